"""Puts rebuilt collections in the place of the stored ones, one rename after the other.

Whatever it is killed at: as long as the mark is there, the service decides nothing, and another try begins from the
start. The journal, from which all of it follows, is never touched.
"""

from collections.abc import Sequence

from deploy.problem import Problem
from deploy.stores import Store
from shared.runtime.rebuilding import Rebuilding

#: Goes before the names of rebuilt collections while they wait for their place.
WAITING = "rebuilt."


class Swap:
    """The exchange of one service's collections."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._mark = Rebuilding(store.database)

    def clear(self) -> None:
        """Remove what an earlier try has left waiting."""
        database = self._store.database
        for name in database.list_collection_names(filter={"name": {"$regex": r"^rebuilt\."}}):
            database.drop_collection(name)

    def carry_out(self, names: Sequence[str], sequence: int) -> None:
        """Exchange collections whose rebuilt form waits.

        Args:
            names: of the collections.
            sequence: the number of the last event from which they were rebuilt.

        Raises:
            Problem: the journal has grown since; the mark stays, and the next try begins anew.
        """
        database = self._store.database
        self._mark.begin(collections=list(names), sequence=sequence)
        for name in names:
            database[WAITING + name].rename(name, dropTarget=True)
        self.check_still(sequence)
        self._mark.end()

    def check_still(self, sequence: int) -> None:
        """Let pass when nothing was stored after an event.

        Raises:
            Problem: something was.
        """
        if self._store.journal.head().sequence != sequence:
            raise Problem(f"{self._store.service} has stored more meanwhile", "stop it, then call it again")
