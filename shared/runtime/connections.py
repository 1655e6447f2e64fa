"""The connections of one service: how many there may be, and which of them makes room for another."""

import resource
from collections import Counter
from collections.abc import Iterator

from shared.runtime import metrics
from shared.runtime.web import Connection

#: Connections at the same time.
MOST = 1_000
#: Of these, connections of one partner.
MOST_OF_ONE = 20
#: Open files that are left for database, broker and logs.
RESERVED = 200


class Connections:
    """Keeps connections within bounds: who only waits makes room, and first of all who never showed a token.

    Where all places are taken by requests that are being answered, nobody else comes in until one is done.
    """

    def __init__(self, most: int, most_of_one: int = MOST_OF_ONE) -> None:
        self._most = most
        self._most_of_one = most_of_one
        #: With the address of each client.
        self._open: dict[Connection, str] = {}

    def __iter__(self) -> Iterator[Connection]:
        return iter(list(self._open))

    def add(self, connection: Connection, address: str) -> bool:
        """Take a connection in; tell whether there was room, or some could be made."""
        if len(self._open) >= self._most and not self._cut(self._longest_idle(list(self._open)), "no room"):
            metrics.CUT.labels("full").inc()
            return False
        self._open[connection] = address
        metrics.CONNECTIONS.set(len(self._open))
        return True

    def remove(self, connection: Connection) -> None:
        """Forget a connection that has ended."""
        self._open.pop(connection, None)
        metrics.CONNECTIONS.set(len(self._open))

    def claim(self, connection: Connection, owner: str, *, limited: bool) -> bool:
        """Write down who came in by a connection; tell whether he may have one more.

        Args:
            limited: he is a partner, who has so many and no more; an idle one of his makes room.
        """
        if connection.owner == owner:
            return True
        own = [one for one in self._open if one.owner == owner] if limited else []
        if len(own) >= self._most_of_one and not self._cut(self._longest_idle(own), "too many of one"):
            return False
        connection.owner = owner
        return True

    def _longest_idle(self, among: list[Connection]) -> Connection | None:
        """Return who has waited longest, among strangers first, of the address from which most of them come."""
        idle = [one for one in among if not one.busy]
        crowd = Counter(self._open[one] for one in idle)
        return min(idle, key=lambda one: (bool(one.owner), -crowd[self._open[one]], one.idle_since), default=None)

    def _cut(self, connection: Connection | None, why: str) -> bool:
        if connection is None:
            return False
        metrics.CUT.labels(why).inc()
        connection.drop()
        self.remove(connection)
        return True


def places() -> int:
    """Return how many connections this process may have at the same time."""
    files = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    return MOST if files == resource.RLIM_INFINITY else max(min(MOST, files - RESERVED), 1)
