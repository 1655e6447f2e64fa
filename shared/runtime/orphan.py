"""Transactions that nobody goes on with.

The database does not notice that the process behind a transaction was killed: what that had written stays reserved for
a minute, and every other commit collides with it. So whoever keeps colliding looks for transactions of its own service
that have stood still for longer than any living process lets them, and ends them. A process that only slept finds its
transaction gone and tries again.
"""

import time
from typing import Any

import structlog
from pymongo.database import Database
from pymongo.errors import OperationFailure
from pymongo.read_concern import ReadConcern

from shared.runtime.database import Document

#: Seconds without a statement after which nobody stands behind a transaction.
STILL = 2.0
#: Seconds between two looks.
PAUSE = 0.5

_log = structlog.get_logger(__name__)


class Orphans:
    """Finds and ends the transactions of processes of this service that are gone."""

    def __init__(self, database: Database[Document]) -> None:
        self._admin = database.client.get_database("admin", read_concern=ReadConcern("local"))
        # Every process of the service connects under the name of its database.
        self._appname = database.name
        self._looked_at = 0.0
        #: By session: how long its transaction has worked (microseconds), and since when that is so.
        self._seen: dict[Any, tuple[int, float]] = {}

    def end(self) -> int:
        """End what stands still, unless somebody has just looked; return how many transactions that were.

        Raises:
            PyMongoError: the database is away.
        """
        if time.monotonic() - self._looked_at < PAUSE:
            return 0
        self._looked_at = time.monotonic()
        try:
            sessions = self._standing_still()
            if sessions:
                self._admin.command("killSessions", [{"id": session} for session in sessions])
                _log.warning("ended what a process left that is gone", action="commit", transactions=len(sessions))
        except OperationFailure as error:
            # Where this user may not look, the database ends them itself, after a minute.
            _log.warning("cannot look for transactions", action="commit", code=error.code)
            return 0
        return len(sessions)

    def _standing_still(self) -> list[Any]:
        """Return the sessions whose transactions have not worked since an earlier look."""
        now = time.monotonic()
        seen: dict[Any, tuple[int, float]] = {}
        for row in self._admin.aggregate(self._open()):
            session, worked = row["lsid"]["id"], row["transaction"]["timeActiveMicros"]
            before = self._seen.get(session)
            seen[session] = before if before and before[0] == worked else (worked, now)
        self._seen = seen
        return [session for session, (_, since) in seen.items() if now - since >= STILL]

    def _open(self) -> list[Document]:
        return [
            {"$currentOp": {"idleSessions": True, "allUsers": False}},
            {"$match": {"appName": self._appname, "transaction.timeActiveMicros": {"$exists": True}}},
            {"$project": {"lsid.id": 1, "transaction.timeActiveMicros": 1}},
        ]
