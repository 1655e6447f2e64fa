"""The service's own MongoDB database: how it is reached, and what counts as 'away'."""

from typing import Any

from pymongo import MongoClient
from pymongo.database import Database
from pymongo.errors import AutoReconnect, ConnectionFailure, NotPrimaryError, PyMongoError, WTimeoutError

Document = dict[str, Any]

#: Milliseconds until a missing database is said to be away: short, so that a request gets an honest 503.
SERVER_SELECTION_MS = 2_000
SOCKET_MS = 15_000

#: Server errors that mean "not now" rather than "not so": shutting down, stepping down, killed by an operator.
_AWAY_CODES = frozenset({91, 189, 11600, 11602, 10107, 13435, 13436, 133, 134, 262, 50, 6, 7, 89, 9001})


def connect(uri: str, name: str) -> Database[Document]:
    """Return the database `name`, with majority writes and reads; does not wait for the server."""
    client: MongoClient[Document] = MongoClient(
        uri,
        appname=name,
        serverSelectionTimeoutMS=SERVER_SELECTION_MS,
        connectTimeoutMS=SERVER_SELECTION_MS,
        socketTimeoutMS=SOCKET_MS,
        w="majority",
        journal=True,
        readConcernLevel="majority",
        tz_aware=True,
    )
    return client[name]


def is_away(error: PyMongoError) -> bool:
    """Tell whether the database could not be reached or was not ready, so that trying again later makes sense."""
    if isinstance(error, ConnectionFailure | AutoReconnect | NotPrimaryError | WTimeoutError):
        return True
    return getattr(error, "code", None) in _AWAY_CODES
