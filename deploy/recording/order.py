"""The journals of several services as one.

Each stays in its order. A replay lets an event reach everybody at once; so that each service hears and is told things
in the order in which it did here, whatever it did before it acted on an event stands before that event. Where that
says nothing, what was stored earlier comes first.
"""

from collections.abc import Iterable, Iterator

from deploy.recording.entry import Entry, entries
from deploy.stores import Store


def together(stores: Iterable[Store]) -> Iterator[Entry]:
    """Yield the journals of some services as one.

    Args:
        stores: of two that stored something at the same moment, the first comes first.
    """
    return iter(_Merge([_Journal(store) for store in stores]))


class _Journal:
    """A journal that is read forward, and what is known of all of it."""

    def __init__(self, store: Store) -> None:
        self._rest = entries(store)
        self.head: Entry | None = next(self._rest, None)
        #: By the message: the entry that it brought about.
        self.acted: dict[str, int] = {}
        #: Of all its events.
        self.ids: set[str] = set()
        for row in store.journal.entries.find({}, {"cause": 1, "events.id": 1}):
            self.acted[row["cause"]] = row["_id"]
            self.ids.update(record["id"] for record in row["events"])

    def pop(self) -> Entry:
        """Take the head off."""
        taken = self.head
        if taken is None:
            raise LookupError("the journal is at its end")
        self.head = next(self._rest, None)
        return taken


class _Merge:
    def __init__(self, journals: list[_Journal]) -> None:
        self._journals = journals
        #: Events that were not yielded yet.
        self._ahead = set().union(*(journal.ids for journal in journals))

    def __iter__(self) -> Iterator[Entry]:
        while rest := [(journal.head, journal) for journal in self._journals if journal.head is not None]:
            # What waits for its cause waits; where all do, something was lost, and the clock decides.
            free = [one for one in rest if one[0].cause not in self._ahead] or rest
            _, journal = min(free, key=lambda one: one[0].at)
            yield from self._with_what_comes_before(journal.pop())

    def _with_what_comes_before(self, entry: Entry) -> Iterator[Entry]:
        for journal in self._journals:
            acted = min((journal.acted[one] for one in entry.ids if one in journal.acted), default=0)
            while (head := journal.head) is not None and head.number < acted and head.cause not in self._ahead:
                yield from self._with_what_comes_before(journal.pop())
        self._ahead.difference_update(entry.ids)
        yield entry
