"""Whether the stored states of a service are those that follow from its journal."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
import orjson
from pymongo.client_session import ClientSession
from pymongo.database import Database
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """A stored state that is not what follows from the events."""

    ref: Ref
    what: str
    #: Where both are there: the fields in which they differ. Never a value.
    fields: tuple[str, ...] = ()

    @property
    def sentence(self) -> str:
        """What is wrong, in words."""
        fields = f": {', '.join(self.fields)}" if self.what == _NOT_WHAT_FOLLOWS else ""
        return f"{self.ref.kind} {self.ref.id}: {self.what}{fields}"


_NOT_WHAT_FOLLOWS = "is not what follows from the events"


def check(store: Store, model: Model, audit: Audit) -> None:
    """Fold the journal and compare what follows with what is stored."""
    fold = Fold(store, model, audit)
    try:
        fold.go_on()
        compared = Comparison(store, model, fold)
        for difference in compared.settled():
            audit.fault(difference.sentence)
        audit.states, audit.erased = compared.stored, len(fold.erased)
    finally:
        fold.shelf.close()


class Comparison:
    """Compares stored documents with folded states.

    Args:
        store: whose keys open what is sealed.
        model: says what kinds there are, and under which keys they are found.
        fold: the states that follow from the journal.
        database: where the documents are; that of the store, unless another is given.
        prefix: of the names of their collections.
    """

    def __init__(
        self, store: Store, model: Model, fold: Fold, database: Database[Document] | None = None, prefix: str = ""
    ) -> None:
        self._store = store
        self._model = model
        self._fold = fold
        where = store.database if database is None else database
        self._collections = {kind: where[prefix + kind] for kind in model.kinds}
        self._states = States(store.database, model, store.keys)
        #: How many states are stored.
        self.stored = 0

    def settled(self) -> list[Difference]:
        """Compare everything; what differs is looked at once more at one moment, as its service may work."""
        different = self.differences()
        if not different:
            return []
        client = self._store.database.client
        with client.start_session() as session, session.start_transaction(ReadConcern("snapshot")):
            self._fold.go_on(session)
            again = self.differences_of(different[:_LOOKED_AT_AGAIN], session)
        return again + different[_LOOKED_AT_AGAIN:]

    def differences(self) -> list[Difference]:
        """Compare everything."""
        found: list[Difference] = []
        for kind in self._model.kinds:
            seen = 0
            for row in self._rows(kind, {}):
                seen += self._fold.shelf.get(kind, row["_id"]) is not None
                found += self._different(kind, row)
                self.stored += 1
            if seen < self._fold.shelf.count(kind):
                found += self._not_stored(kind)
        return found

    def differences_of(self, different: Sequence[Difference], session: ClientSession) -> list[Difference]:
        """Compare some states once more, as the session sees them."""
        found: list[Difference] = []
        for kind in self._model.kinds:
            ids = [one.ref.id for one in different if one.ref.kind == kind]
            rows = {row["_id"]: row for row in self._rows(kind, {"_id": {"$in": ids}}, session)}
            for id_ in ids:
                found += self._different(kind, rows[id_]) if id_ in rows else self._missing(Ref(kind, id_))
        return found

    def is_beyond_proof(self, kind: str, row: Document) -> bool:
        """Tell whether nothing can be said of a stored state, because it has to do with somebody who is erased."""
        ref = Ref(kind, row["_id"])
        if ref in self._fold.remains:
            return False
        return ref in self._fold.unknown or self._fold.names_erased(f"{ref.id} {orjson.dumps(row['state']).decode()}")

    def _rows(self, kind: str, query: Document, session: ClientSession | None = None) -> Iterator[Document]:
        """Return stored documents, the keys of what is sealed in them at hand."""
        for rows in chunks(self._collections[kind].find(query, session=session).sort("_id", 1)):
            self._store.load_keys(row["_id"] for row in rows if "private" in row)
            yield from rows

    def _different(self, kind: str, row: Document) -> list[Difference]:
        ref = Ref(kind, row["_id"])
        if self.is_beyond_proof(kind, row):
            return []
        folded = self._fold.shelf.get(*ref)
        if folded is None:
            return [Difference(ref=ref, what="is stored, but follows from no event")]
        built: dict[str, Any] = msgspec.to_builtins(folded)
        try:
            stored = self._states.state(kind, row)
        except (SealBroken, KeyError, msgspec.ValidationError) as error:
            what = f"cannot be read ({type(error).__name__})"
            return [Difference(ref=ref, what=what, fields=_unsealed_fields(row, built))]
        fields = _fields(msgspec.to_builtins(stored), built)
        if kind in self._model.searched and sorted(row.get("keys", ())) != sorted(self._model.keys(ref, folded)):
            fields.append("keys")
        return [Difference(ref=ref, what=_NOT_WHAT_FOLLOWS, fields=tuple(fields))] if fields else []

    def _not_stored(self, kind: str) -> Iterator[Difference]:
        """Yield the states that follow from the events and are not stored."""
        for refs in chunks(self._fold.shelf.refs(kind)):
            ids = [ref.id for ref in refs]
            there = {row["_id"] for row in self._collections[kind].find({"_id": {"$in": ids}}, {"_id": 1})}
            for id_ in ids:
                if id_ not in there:
                    yield from self._missing(Ref(kind, id_))

    def _missing(self, ref: Ref) -> list[Difference]:
        unknown = ref in self._fold.unknown - self._fold.remains
        if unknown or self._fold.shelf.get(*ref) is None:
            return []
        return [Difference(ref=ref, what="follows from the events, but is not stored")]


def _fields(stored: Mapping[str, Any], folded: Mapping[str, Any]) -> list[str]:
    """Return the names of the fields in which two states differ; never a value."""
    return [name for name in sorted({*stored, *folded}) if stored.get(name) != folded.get(name)]


def _unsealed_fields(row: Document, folded: Mapping[str, Any]) -> tuple[str, ...]:
    """Return in which fields a state that cannot be read differs as it is stored, what is sealed left aside."""
    expected = {name: value for name, value in folded.items() if name != "private"}
    return tuple(_fields(orjson.loads(orjson.dumps(row["state"])), orjson.loads(orjson.dumps(expected))))
