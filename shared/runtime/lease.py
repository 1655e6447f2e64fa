"""A lease in the database: of the replicas of a service, one publishes, and one calls those who want to be called."""

from datetime import UTC, datetime, timedelta

from pymongo import ReturnDocument
from pymongo.database import Database

from shared.runtime.database import Document

#: How long a lease holds when its holder says nothing. The database's clock counts, nobody else's.
TERM = timedelta(seconds=10)
LONG_AGO = datetime.fromtimestamp(0, UTC)


class Lease:
    """The right to publish, and the number up to which the journal is published.

    Args:
        name: of the right; one that is not the relay's has no number.
    """

    def __init__(self, database: Database[Document], holder: str, name: str = "relay") -> None:
        self._rows = database["relay"]
        self._holder = holder
        self._name = name
        self._made = False
        #: The number up to which all is published and confirmed, as far as this holder knows.
        self.published = 0

    def take(self) -> bool:
        """Take or prolong the lease; tell whether this holder has it."""
        self._make()
        mine_or_over = {"$or": [{"holder": self._holder}, {"$expr": {"$lt": ["$until", "$$NOW"]}}]}
        row = self._rows.find_one_and_update(
            {"_id": self._name, **mine_or_over}, [self._prolong()], return_document=ReturnDocument.AFTER
        )
        if row is None:
            return False
        self.published = max(self.published, row.get("published", 0))
        return True

    def save(self, published: int) -> bool:
        """Remember the number up to which all is published; tell whether the lease is still this holder's."""
        result = self._rows.update_one({"_id": self._name, "holder": self._holder}, [self._prolong(published)])
        self.published = published
        return result.matched_count == 1

    def release(self) -> None:
        """Let another have it at once."""
        self._rows.update_one({"_id": self._name, "holder": self._holder}, {"$set": {"until": LONG_AGO}})

    def known(self) -> int:
        """Return the number up to which all is published, whoever publishes."""
        row = self._rows.find_one({"_id": self._name}, {"published": 1})
        return int(row.get("published", 0)) if row else 0

    def _make(self) -> None:
        """Make the row, expired, if there is none yet."""
        if not self._made:
            self._rows.update_one({"_id": self._name}, {"$setOnInsert": {"until": LONG_AGO}}, upsert=True)
            self._made = True

    def _prolong(self, published: int | None = None) -> Document:
        until = {"$add": ["$$NOW", int(TERM.total_seconds() * 1000)]}
        change: Document = {"holder": self._holder, "until": until}
        if published is not None:
            change["published"] = {"$max": ["$published", published]}
        return {"$set": change}
