"""Whether a journal is as it was written: no number missing, every hash right, no end cut off."""

from collections.abc import Iterable, Iterator

from deploy.audit.finding import Audit
from deploy.stores import Store, Stores
from shared.runtime.database import Document
from shared.runtime.journal import Head, JournalBroken, check_chain
from shared.runtime.variables import SERVICES


def check(store: Store, stores: Stores, audit: Audit) -> None:
    """Walk the journal from its first entry to its last."""
    # What others know of the journal is read before its end, which may grow meanwhile.
    known = _known(store, stores)
    counted = Counted(store.journal.after(0))
    try:
        head = check_chain(counted)
    except JournalBroken as error:
        audit.fault(str(error))
        head = None
    audit.entries = counted.entries
    audit.events = counted.events
    if head is not None:
        _check_end(head, known, audit)
    _check_causes(store, audit)


class Counted:
    """Entries, counted as they pass."""

    def __init__(self, entries: Iterable[Document]) -> None:
        self._entries = entries
        self.entries = 0
        self.events = 0

    def __iter__(self) -> Iterator[Document]:
        for entry in self._entries:
            self.entries += 1
            self.events += entry["n"]
            yield entry


def _known(store: Store, stores: Stores) -> dict[str, int]:
    """Return the highest number of this journal that somebody is known to have seen, by who it is."""
    known = {"its relay": store.published}
    for other in SERVICES:
        consumer = f"{other}.from.{store.service}"
        known[consumer] = stores[other].inbox.positions().get(consumer, 0)
    return known


def _check_end(head: Head, known: dict[str, int], audit: Audit) -> None:
    for who, number in known.items():
        if number > head.sequence:
            audit.fault(f"the journal ends at {head.sequence}, but {who} has seen {number}: its end was cut off")


def _check_causes(store: Store, audit: Audit) -> None:
    """Check that no message has two entries: its effects would be there twice."""
    indexes = store.journal.entries.index_information()
    if any(index.get("unique") and index["key"] == [("cause", 1)] for index in indexes.values()):
        return  # the database itself lets nothing in twice
    twice: list[Document] = [
        {"$group": {"_id": "$cause", "entries": {"$push": "$_id"}}},
        {"$match": {"entries.1": {"$exists": True}}},
    ]
    for row in store.journal.entries.aggregate(twice, allowDiskUse=True):
        numbers = ", ".join(map(str, row["entries"]))
        audit.fault(f"entries {numbers} have the same cause {row['_id']}: its effects are there twice")
