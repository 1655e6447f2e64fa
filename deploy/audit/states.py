"""Whether the stored states of a service are those that follow from its journal."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec
import orjson
from pymongo.client_session import ClientSession
from pymongo.read_concern import ReadConcern

from deploy.audit.finding import Audit
from deploy.audit.fold import Fold
from deploy.stores import Store, chunks
from shared.kernel import Model, Ref
from shared.privacy import SealBroken
from shared.runtime.database import Document
from shared.runtime.states import States

#: Differences that are looked at a second time; of more, the first.
_LOOKED_AT_AGAIN = 2_000


def check(store: Store, model: Model, audit: Audit) -> None:
    """Fold the journal and compare what follows with what is stored."""
    fold = Fold(store, model, audit)
    try:
        fold.go_on()
        compared = _Comparison(store, model, fold)
        different = compared.differences()
        if different:
            # A service that works has stored more in the meantime: look at these again, at one moment.
            client = store.database.client
            with client.start_session() as session, session.start_transaction(ReadConcern("snapshot")):
                fold.go_on(session)
                different = compared.differences_of(different[:_LOOKED_AT_AGAIN], session)
        for ref, what in different:
            audit.fault(f"{ref.kind} {ref.id}: {what}")
        audit.states, audit.erased = compared.stored, len(fold.erased)
    finally:
        fold.shelf.close()


#: A state and what is wrong with it.
_Different = tuple[Ref, str]


class _Comparison:
    """Compares stored documents with folded states."""

    def __init__(self, store: Store, model: Model, fold: Fold) -> None:
        self._store = store
        self._model = model
        self._fold = fold
        self._states = States(store.database, model, store.keys)
        #: How many states are stored.
        self.stored = 0

    def differences(self) -> list[_Different]:
        """Compare everything."""
        found: list[_Different] = []
        for kind in self._model.kinds:
            seen = 0
            for row in self._rows(kind, {}):
                seen += self._fold.shelf.get(kind, row["_id"]) is not None
                found += self._different(kind, row)
                self.stored += 1
            if seen < self._fold.shelf.count(kind):
                found += self._not_stored(kind)
        return found

    def differences_of(self, different: Sequence[_Different], session: ClientSession) -> list[_Different]:
        """Compare some states once more, as the session sees them."""
        found: list[_Different] = []
        for kind in self._model.kinds:
            ids = [ref.id for ref, _ in different if ref.kind == kind]
            rows = {row["_id"]: row for row in self._rows(kind, {"_id": {"$in": ids}}, session)}
            for id_ in ids:
                found += self._different(kind, rows[id_]) if id_ in rows else self._missing(Ref(kind, id_))
        return found

    def _rows(self, kind: str, query: Document, session: ClientSession | None = None) -> Iterator[Document]:
        """Return stored documents, the keys of what is sealed in them at hand."""
        for rows in chunks(self._store.database[kind].find(query, session=session).sort("_id", 1)):
            self._store.load_keys(row["_id"] for row in rows if "private" in row)
            yield from rows

    def _different(self, kind: str, row: Document) -> list[_Different]:
        ref = Ref(kind, row["_id"])
        if ref not in self._fold.remains and self._is_beyond_proof(ref, row):
            return []
        folded = self._fold.shelf.get(*ref)
        if folded is None:
            return [(ref, "is stored, but follows from no event")]
        try:
            stored = self._states.state(kind, row)
        except (SealBroken, KeyError, msgspec.ValidationError) as error:
            return [(ref, f"cannot be read ({type(error).__name__})")]
        fields = _fields(msgspec.to_builtins(stored), msgspec.to_builtins(folded))
        if kind in self._model.searched and sorted(row.get("keys", ())) != sorted(self._model.keys(ref, folded)):
            fields.append("keys")
        return [(ref, f"is not what follows from the events: {', '.join(fields)}")] if fields else []

    def _is_beyond_proof(self, ref: Ref, row: Document) -> bool:
        """Tell whether a stored state has to do with somebody who is erased."""
        return ref in self._fold.unknown or self._fold.names_erased(f"{ref.id} {orjson.dumps(row['state']).decode()}")

    def _not_stored(self, kind: str) -> Iterator[_Different]:
        """Yield the states that follow from the events and are not stored."""
        for refs in chunks(self._fold.shelf.refs(kind)):
            ids = [ref.id for ref in refs]
            there = {row["_id"] for row in self._store.database[kind].find({"_id": {"$in": ids}}, {"_id": 1})}
            for id_ in ids:
                if id_ not in there:
                    yield from self._missing(Ref(kind, id_))

    def _missing(self, ref: Ref) -> list[_Different]:
        unknown = ref in self._fold.unknown - self._fold.remains
        if unknown or self._fold.shelf.get(*ref) is None:
            return []
        return [(ref, "follows from the events, but is not stored")]


def _fields(stored: Mapping[str, Any], folded: Mapping[str, Any]) -> list[str]:
    """Return the names of the fields in which two states differ; never a value."""
    return [name for name in sorted({*stored, *folded}) if stored.get(name) != folded.get(name)]
