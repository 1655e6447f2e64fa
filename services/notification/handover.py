"""Which notices are in the hands of a channel: written down before, so that a crash cannot make us say "not sent"."""

from collections.abc import Collection

from pymongo import ReplaceOne
from pymongo.database import Database

from shared.runtime.database import Document


class Handovers:
    """Notices that were handed to the channel, or are about to be, and whose fate is not written down yet.

    No part of the state: it follows from no event, and says only what this process, or one that died, was about to do.
    """

    def __init__(self, database: Database[Document]) -> None:
        self._rows = database["handover"]

    def begin(self, notices: Collection[str]) -> None:
        """Write down, before they are handed over, that they may have left from now on."""
        if notices:
            self._rows.bulk_write([ReplaceOne({"_id": one}, {"_id": one}, upsert=True) for one in notices])

    def begun(self, notices: Collection[str]) -> set[str]:
        """Return those of these notices that may have left."""
        if not notices:
            return set()
        return {row["_id"] for row in self._rows.find({"_id": {"$in": list(notices)}})}

    def end(self, notices: Collection[str]) -> None:
        """Forget those whose fate is known."""
        if notices:
            self._rows.delete_many({"_id": {"$in": list(notices)}})
