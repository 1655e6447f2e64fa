"""A lease in the database: of the replicas of a service, one publishes."""

from datetime import UTC, datetime, timedelta

from pymongo import ReturnDocument
from pymongo.database import Database

from shared.runtime.database import Document

#: How long a lease holds when its holder says nothing. The database's clock counts, nobody else's.
TERM = timedelta(seconds=10)
LONG_AGO = datetime.fromtimestamp(0, UTC)


class Lease:
    """The right to publish, and the number up to which the journal is published."""

    def __init__(self, database: Database[Document], holder: str) -> None:
        self._rows = database["relay"]
        self._holder = holder
        self._made = False
        #: The number up to which all is published and confirmed, as far as this holder knows.
        self.published = 0

    def take(self) -> bool:
        """Take or prolong the lease; tell whether this holder has it."""
        self._make()
        mine_or_over = {"$or": [{"holder": self._holder}, {"$expr": {"$lt": ["$until", "$$NOW"]}}]}
        row = self._rows.find_one_and_update(
            {"_id": "relay", **mine_or_over}, [self._prolong()], return_document=ReturnDocument.AFTER
        )
        if row is None:
            return False
        self.published = max(self.published, row.get("published", 0))
        return True

    def save(self, published: int) -> bool:
        """Remember the number up to which all is published; tell whether the lease is still this holder's."""
        result = self._rows.update_one({"_id": "relay", "holder": self._holder}, [self._prolong(published)])
        self.published = published
        return result.matched_count == 1

    def release(self) -> None:
        """Let another have it at once."""
        self._rows.update_one({"_id": "relay", "holder": self._holder}, {"$set": {"until": LONG_AGO}})

    def known(self) -> int:
        """Return the number up to which all is published, whoever publishes."""
        row = self._rows.find_one({"_id": "relay"}, {"published": 1})
        return int(row.get("published", 0)) if row else 0

    def _make(self) -> None:
        """Make the row, expired, if there is none yet."""
        if not self._made:
            self._rows.update_one({"_id": "relay"}, {"$setOnInsert": {"until": LONG_AGO}}, upsert=True)
            self._made = True

    def _prolong(self, published: int | None = None) -> Document:
        until = {"$add": ["$$NOW", int(TERM.total_seconds() * 1000)]}
        change: Document = {"holder": self._holder, "until": until}
        if published is not None:
            change["published"] = {"$max": ["$published", published]}
        return {"$set": change}
