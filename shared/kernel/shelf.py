"""The states that a decision may look at, in memory, found by id or by index key."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple


class Ref(NamedTuple):
    """Address of one state: its kind (`case`, `volunteer`, …) and its id."""

    kind: str
    id: str


_NONE: frozenset[str] = frozenset()


class Shelf:
    """A set of immutable states with an index from keys to states.

    `keys_of(ref, state)` gives the index keys of a state. Changes are made with `put` and can be taken back as a
    whole (`trial`), so one message that fails leaves no trace among the others of its batch.
    """

    def __init__(self, keys_of: Callable[[Ref, Any], Iterable[str]]) -> None:
        self._keys_of = keys_of
        #: By kind, then by id: who looks at all of one kind need not pass by the others.
        self._states: dict[str, dict[str, Any]] = {}
        self._keys: dict[Ref, frozenset[str]] = {}
        self._index: dict[str, set[Ref]] = {}
        self._undo: dict[Ref, Any] | None = None
        #: What `put` changed and `settle` has not yet taken as stored.
        self.touched: set[Ref] = set()
        #: What is stored, perhaps with an older content.
        self.stored: set[Ref] = set()

    def __contains__(self, ref: Ref) -> bool:
        return ref.id in self._states.get(ref.kind, ())

    def __len__(self) -> int:
        return sum(map(len, self._states.values()))

    def get(self, kind: str, id: str) -> Any | None:
        """Return a state, or None."""
        states = self._states.get(kind)
        return states.get(id) if states else None

    def find(self, key: str) -> list[Any]:
        """Return the states that carry the index key, in the order of their addresses."""
        return [self._states[ref.kind][ref.id] for ref in sorted(self._index.get(key, ()))]

    def each(self, key: str) -> Iterator[Any]:
        """Return the states that carry the index key, in no order: for who looks among very many."""
        return (self._states[ref.kind][ref.id] for ref in self._index.get(key, ()))

    def all(self, kind: str) -> Iterator[Any]:
        """Return every state of a kind, in the order in which they came to the shelf."""
        return iter(self._states.get(kind, {}).values())

    def fill(self, ref: Ref, state: Any) -> None:
        """Lay down a state as it was stored; not a change."""
        self._set(ref, state)
        self.stored.add(ref)

    def put(self, ref: Ref, state: Any) -> None:
        """Replace (or add) a state: a change, to be stored."""
        if self._undo is not None and ref not in self._undo:
            self._undo[ref] = self.get(*ref)
        self._set(ref, state)
        self.touched.add(ref)

    def settle(self) -> None:
        """Take all changes as stored."""
        self.stored |= self.touched
        self.touched.clear()

    @contextmanager
    def trial(self) -> Iterator[None]:
        """Take back every `put` made inside when the block raises."""
        touched, self._undo = set(self.touched), {}
        try:
            yield
        except BaseException:
            for ref, state in self._undo.items():
                if state is None:
                    self._unindex(ref)
                    del self._states[ref.kind][ref.id]
                else:
                    self._set(ref, state)
            self.touched = touched
            raise
        finally:
            self._undo = None

    def _set(self, ref: Ref, state: Any) -> None:
        self._states.setdefault(ref.kind, {})[ref.id] = state
        keys = frozenset(self._keys_of(ref, state))
        if keys == self._keys.get(ref, _NONE):
            return
        self._unindex(ref)
        self._keys[ref] = keys
        for key in keys:
            self._index.setdefault(key, set()).add(ref)

    def _unindex(self, ref: Ref) -> None:
        for key in self._keys.pop(ref, ()):
            refs = self._index[key]
            refs.discard(ref)
            if not refs:
                del self._index[key]
