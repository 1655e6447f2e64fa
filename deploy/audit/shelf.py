"""A shelf for all states of a journal, however many: those not used lately lie sealed in a temporary file."""

import sqlite3
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from shared.kernel import Ref, Shelf
from shared.privacy import Key

#: States kept in memory.
NEAR = 10_000
_PAGE = "SELECT id FROM states WHERE kind = ? AND id > ? ORDER BY id LIMIT 1000"


class LargeShelf(Shelf):
    """Finds states by their address only, which is all that a model may do when it evolves them."""

    def __init__(self, kinds: Mapping[str, type], near: int = NEAR) -> None:
        super().__init__(lambda _ref, _state: ())
        self._kinds = kinds
        self._limit = near
        self._near: OrderedDict[Ref, Any] = OrderedDict()
        # A file without a name, which goes with the process; its content is sealed, because states hold private data.
        self._far = sqlite3.connect("")
        self._far.execute("PRAGMA journal_mode = OFF")
        self._far.execute("CREATE TABLE states (kind TEXT, id TEXT, sealed BLOB, PRIMARY KEY (kind, id)) WITHOUT ROWID")
        self._key = Key.new()
        #: What was put since this was last emptied.
        self.changed: set[Ref] = set()

    def __contains__(self, ref: Ref) -> bool:
        return self.get(*ref) is not None

    def __len__(self) -> int:
        raise NotImplementedError

    def get(self, kind: str, id: str) -> Any | None:
        ref = Ref(kind, id)
        if ref in self._near:
            self._near.move_to_end(ref)
            return self._near[ref]
        row = self._far.execute("SELECT sealed FROM states WHERE kind = ? AND id = ?", ref).fetchone()
        if row is None:
            return None
        state: Any = msgspec.msgpack.decode(self._key.open(row[0], f"{kind}/{id}"), type=self._kinds[kind])
        self._keep(ref, state)
        return state

    def put(self, ref: Ref, state: Any) -> None:
        self.changed.add(ref)
        self._near.pop(ref, None)
        self._keep(ref, state)

    def find(self, key: str) -> list[Any]:
        raise NotImplementedError("a model evolves states by their addresses only")

    def each(self, key: str) -> Iterator[Any]:
        raise NotImplementedError("a model evolves states by their addresses only")

    def all(self, kind: str) -> Iterator[Any]:
        raise NotImplementedError("a model evolves states by their addresses only")

    def refs(self, kind: str) -> Iterator[Ref]:
        """Return the addresses of all states of a kind, in the order of their ids; states may be got meanwhile."""
        self._put_away(0)
        last = ""
        # Page by page: what is got meanwhile may be put away again, which must not meet an open cursor.
        while page := self._far.execute(_PAGE, (kind, last)).fetchall():
            yield from (Ref(kind, id_) for (id_,) in page)
            (last,) = page[-1]

    def count(self, kind: str) -> int:
        """Return how many states of a kind there are."""
        self._put_away(0)
        (number,) = self._far.execute("SELECT count(*) FROM states WHERE kind = ?", (kind,)).fetchone()
        return int(number)

    def close(self) -> None:
        """Forget everything."""
        self._far.close()
        self._near.clear()

    def _keep(self, ref: Ref, state: Any) -> None:
        self._near[ref] = state
        if len(self._near) > self._limit:
            self._put_away(self._limit // 2)

    def _put_away(self, left: int) -> None:
        """Leave only so many states in memory."""
        rows = []
        while len(self._near) > left:
            ref, state = self._near.popitem(last=False)
            sealed = self._key.seal(msgspec.msgpack.encode(state), f"{ref.kind}/{ref.id}")
            rows.append((*ref, sealed))
        self._far.executemany("INSERT OR REPLACE INTO states VALUES (?, ?, ?)", rows)
