"""The stored states of a service: one collection for each kind, private parts sealed."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec
import orjson
from pymongo import InsertOne, ReplaceOne
from pymongo.client_session import ClientSession
from pymongo.database import Database

from shared.kernel import Model, Ref, Shelf, Wanted
from shared.runtime.database import Document
from shared.runtime.keyring import KeyRing
from shared.runtime.look import Part


class States:
    """Fills shelves from the database and stores what changed on them."""

    def __init__(self, database: Database[Document], model: Model, keys: KeyRing) -> None:
        self._model = model
        self._keys = keys
        self._collections = {kind: database[kind] for kind in model.kinds}
        self._sealed = {kind: "private" in getattr(type_, "__annotations__", {}) for kind, type_ in model.kinds.items()}

    def prepare(self) -> None:
        """Make the indexes."""
        for kind in self._model.searched:
            self._collections[kind].create_index("keys")

    def index(self, fields: Mapping[str, Sequence[str]]) -> None:
        """Make indexes on fields of the states of some kinds."""
        for kind, names in fields.items():
            for name in names:
                self._collections[kind].create_index(name)

    def find_one(self, kind: str, id: str) -> Any | None:
        """Return one stored state, or None."""
        return next(iter(self.find(kind, {"_id": id}, 1)), None)

    def find(self, kind: str, query: Document, limit: int, *, oldest_first: bool = False) -> list[Any]:
        """Return stored states that match a query, the latest (else the oldest) first."""
        rows = list(self._collections[kind].find(query).sort("_id", 1 if oldest_first else -1).limit(limit))
        if self._sealed[kind]:
            self._keys.load(row["_id"] for row in rows)
        return [self.state(kind, row) for row in rows]

    def ids(self, kind: str, query: Document, limit: int) -> list[str]:
        """Return the ids of stored states that match a query."""
        return [row["_id"] for row in self._collections[kind].find(query, {"_id": 1}).limit(limit)]

    def fill_resident(self, shelf: Shelf, session: ClientSession | None = None) -> None:
        """Lay every state of the resident kinds onto the shelf."""
        for kind in self._model.resident:
            self._lay(shelf, kind, list(self._collections[kind].find({}, session=session)), session)

    def missing(self, shelf: Shelf, wanted: Wanted) -> dict[str, Part]:
        """Return, by kind, where the wanted states are that do not lie on the shelf."""
        parts = {}
        for kind in self._collections:
            if kind in self._model.resident:
                continue
            ids = [ref.id for ref in wanted.refs if ref.kind == kind and ref not in shelf]
            either: list[Document] = [{"_id": {"$in": ids}}] if ids else []
            if wanted.keys and kind in self._model.searched:
                either.append({"keys": {"$in": list(wanted.keys)}})
            if either:
                parts[kind] = Part(kind, either[0] if len(either) == 1 else {"$or": either})
        return parts

    def fill(self, shelf: Shelf, kind: str, rows: list[Document], session: ClientSession | None = None) -> None:
        """Lay stored states onto the shelf, but for those that lie there: these may be ahead."""
        self._lay(shelf, kind, [row for row in rows if Ref(kind, row["_id"]) not in shelf], session)

    def _lay(self, shelf: Shelf, kind: str, rows: list[Document], session: ClientSession | None) -> None:
        if self._sealed[kind]:
            self._keys.load((row["_id"] for row in rows), session)
        for row in rows:
            shelf.fill(Ref(kind, row["_id"]), self.state(kind, row))

    def state(self, kind: str, row: Document) -> Any:
        """Return the state that a stored document holds."""
        content = dict(row["state"])
        if "private" in row:
            clear = self._keys.open(row["_id"], row["private"])
            if clear is not None:
                content["private"] = orjson.loads(clear)
        return msgspec.convert(content, self._model.kinds[kind])

    def document(self, ref: Ref, state: Any) -> Document:
        """Return the document under which a state is stored; nothing private of whom was erased."""
        content = msgspec.to_builtins(state)
        row: Document = {"_id": ref.id, "state": content}
        if ref.kind in self._model.searched:
            row["keys"] = list(self._model.keys(ref, state))
        if self._sealed[ref.kind]:
            private = content.pop("private")
            if not self._keys.is_destroyed(ref.id):
                row["private"] = self._keys.seal(ref.id, orjson.dumps(private))
        return row

    def save(self, shelf: Shelf, session: ClientSession) -> None:
        """Store what was touched on the shelf."""
        changes: dict[str, list[InsertOne[Document] | ReplaceOne[Document]]] = {}
        for ref in shelf.touched:
            row = self.document(ref, shelf.get(*ref))
            change = ReplaceOne({"_id": ref.id}, row) if ref in shelf.stored else InsertOne(row)
            changes.setdefault(ref.kind, []).append(change)
        for kind, operations in changes.items():
            self._collections[kind].bulk_write(operations, ordered=False, session=session)

    def all(self) -> Iterable[tuple[Ref, Any]]:
        """Return every stored state, kind by kind."""
        for kind, collection in self._collections.items():
            for row in collection.find({}).sort("_id", 1):
                if self._sealed[kind]:
                    self._keys.load([row["_id"]])
                yield Ref(kind, row["_id"]), self.state(kind, row)
