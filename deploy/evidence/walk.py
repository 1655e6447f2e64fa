"""One walk through a journal, from its first entry to its last: its chain checked, each event a leaf of the tree."""

from functools import cached_property
from hashlib import sha256
from typing import Any

from deploy.evidence.tree import Tree
from deploy.evidence.verify_bundle import case_content, leaf_hash, line_content
from deploy.problem import Problem
from deploy.stores import Store
from shared.privacy import BlindIndex
from shared.runtime.database import Document
from shared.runtime.journal import Head, JournalBroken, check_chain

#: A line of a journal, as it stands in a bundle.
Line = dict[str, Any]


class Walk:
    """What an anchor says of a journal, and the lines that concern one case.

    Leaves are salted with hashes that only this house can make: the neighbours in a path tell nothing of what they
    stand for, not even to who guesses it.

    Args:
        store: whose journal.
        case: of which the lines are wanted, if any.
    """

    def __init__(self, store: Store, case: str = "") -> None:
        self.service = store.service
        self.tree = Tree()
        self.head = Head()
        self.lines: list[Line] = []
        #: How many events there are of each case, and the number of the last.
        self._cases: dict[str, tuple[int, int]] = {}
        self._case = case
        self._store = store
        self._blind = BlindIndex(store.settings.key("index"))

    def go(self) -> None:
        """Walk.

        Raises:
            Problem: the journal is not whole.
        """
        try:
            for entry in self._store.journal.after(0):
                previous, self.head = self.head.hash, check_chain((entry,), self.head)
                self._take(entry, previous)
        except JournalBroken as error:
            raise Problem(f"the journal of {self.service} is not whole ({error})", "see `niangjia verify`") from None

    @property
    def events(self) -> int:
        """How many events the journal has."""
        return self.head.sequence

    @cached_property
    def cases(self) -> Tree:
        """The tree that says how many events there are of each case, in the order of their first events."""
        tree = Tree()
        for case in self._cases:
            tree.add(self._case_leaf(case))
        return tree

    def counted(self, case: str) -> tuple[int, int, int, str]:
        """Return of a case its place among the cases, its number of events, the number of the last, and the salt."""
        return [*self._cases].index(case), *self._cases[case], self._case_salt(case)

    def _take(self, entry: Document, previous: bytes) -> None:
        for n, record in enumerate(entry["events"]):
            line = self._line(entry, n, record, previous)
            self.tree.add(leaf_hash(line_content(line)))
            if case := record["case"]:
                count, _ = self._cases.get(case, (0, 0))
                self._cases[case] = (count + 1, line["event"])
                if case == self._case:
                    self.lines.append(line)

    def _line(self, entry: Document, n: int, record: Document, previous: bytes) -> Line:
        private = record.get("private")
        event = entry["_id"] + n
        return {
            "salt": self._blind(f"line of {self.service}", str(event)),
            "service": self.service,
            "event": event,
            "entry": entry["_id"],
            "cause": entry["cause"],
            "at": entry["at"],
            "hash": entry["hash"].hex(),
            "previous": previous.hex(),
            "id": record["id"],
            "type": record["type"],
            "version": record["version"],
            "time": record["time"],
            "subject": record["subject"],
            "case": record["case"],
            "data": record["data"],
            "sealed": None if private is None else sha256(private).hexdigest(),
        }

    def _case_salt(self, case: str) -> str:
        return self._blind(f"case of {self.service}", case)

    def _case_leaf(self, case: str) -> bytes:
        count, last = self._cases[case]
        return leaf_hash(case_content(self._case_salt(case), case, count, last))
