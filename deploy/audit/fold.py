"""The states that follow from a journal, worked out anew from its first entry."""

import re
from collections.abc import Callable, Sequence

from pymongo.client_session import ClientSession

from deploy.audit.finding import Audit
from deploy.audit.shelf import LargeShelf
from deploy.stores import Store, chunks
from shared.events import InvalidEvent, UnknownEvent, UnknownVersion
from shared.kernel import Fact, Model, Ref
from shared.privacy import SealBroken
from shared.runtime.database import Document

#: Sees each entry with its facts, once states follow from them.
Watch = Callable[[Document, Sequence[Fact]], None]


class Fold:
    """Folds the journal of one service, and can go on where it stopped.

    Args:
        store: whose journal.
        model: says what follows from it.
        audit: is told what stands in the way.
        watch: is shown what is folded.
    """

    def __init__(self, store: Store, model: Model, audit: Audit, watch: Watch | None = None) -> None:
        self._store = store
        self._model = model
        self._audit = audit
        self._watch = watch
        self.shelf = LargeShelf(model.kinds)
        #: The last number that was folded.
        self.sequence = 0
        #: Whose key was destroyed.
        self.erased = {row["_id"] for row in store.database["keys"].find({"wrapped": {"$exists": False}}, {"_id": 1})}
        #: States of which nothing can be said, because what made them is erased.
        self.unknown: set[Ref] = set()
        #: What must be left of those who are erased: it follows from public data alone.
        self.remains: set[Ref] = set()
        self._names = _any_of(self.erased)

    def go_on(self, session: ClientSession | None = None) -> None:
        """Fold what the journal holds beyond what was folded."""
        entries = self._store.journal.entries.find({"_id": {"$gt": self.sequence}}, session=session).sort("_id", 1)
        for chunk in chunks(entries):
            owners = {record["case"] or record["subject"] for entry in chunk for record in entry["events"]}
            for owner in self._store.load_keys(owners):
                self._audit.fault(f"the key of {owner} cannot be opened")
            for entry in chunk:
                self._take(entry)
                self.sequence = entry["_id"] + entry["n"] - 1

    def names_erased(self, text: str) -> bool:
        """Tell whether a text holds the id of somebody who is erased."""
        return self._names is not None and self._names.search(text) is not None

    def _take(self, entry: Document) -> None:
        self.shelf.changed.clear()
        trouble = self._evolve(entry)
        if any(self._of_erased(record) for record in entry["events"]):
            self.unknown |= self.shelf.changed
        elif trouble:
            self._audit.fault(f"entry {entry['_id']}: {trouble}")

    def _erase(self, owner: str) -> None:
        """Take note that somebody is erased from here on, and see that the key is gone."""
        if owner not in self.erased:
            # Perhaps just now, after the keys were looked at.
            key = self._store.database["keys"].find_one({"_id": owner}, {"wrapped": 1})
            if key is not None and "wrapped" in key:
                self._audit.fault(f"{owner} was erased, but its key is there: take `wrapped` from its row in `keys`")
                return
            self.erased.add(owner)
            self._names = _any_of(self.erased)
        self.remains |= {ref for ref in self.shelf.changed if ref.id == owner}

    def _evolve(self, entry: Document) -> str:
        """Put onto the shelf what follows from an entry; say what stands in the way."""
        try:
            facts = list(self._store.journal.facts(entry))
        except (SealBroken, KeyError) as error:
            return f"what is sealed in it cannot be opened ({type(error).__name__})"
        except (UnknownEvent, UnknownVersion, InvalidEvent) as error:
            return str(error)  # they quote no value
        for fact in facts:
            try:
                self._model.evolve(self.shelf, fact)
            except Exception as error:  # noqa: BLE001  what cannot be folded is a finding, not the end
                return f"no state follows from its {fact.type} ({type(error).__name__})"
            for owner in self._model.erases(fact):
                self._erase(owner)
        if self._watch:
            self._watch(entry, facts)
        return ""

    def _of_erased(self, record: Document) -> bool:
        return self.names_erased(f"{record['case']} {record['subject']} {record['data']}")


def _any_of(names: set[str]) -> re.Pattern[str] | None:
    return re.compile("|".join(map(re.escape, sorted(names)))) if names else None
