"""Who of the agencies comes in: by its own name, with a key that counts at this moment, not too often."""

import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final

from services.feed.agency import Agency, Status
from services.feed.limits import Buckets, Places
from shared.kernel import NotFound
from shared.runtime.auth import Bearer, Role, Unauthorised
from shared.runtime.problem import Forbidden

#: Streams of one agency at the same time.
STREAMS: Final = 5
#: Requests of one agency at the same time for which intake is asked.
CLAIMS: Final = 4


class Door:
    """One for each process: it counts what every agency does at the moment."""

    def __init__(self) -> None:
        self._requests = Buckets()
        self.streams = Places(STREAMS, f"{STREAMS} streams of yours are open; close one")
        self.claims = Places(CLAIMS, f"{CLAIMS} questions of yours are being answered; wait for one")
        self.replays = Places(1, "a replay of yours is being made; wait for its end")

    def enter(self, bearer: Bearer, name: str, find: Callable[[str], Agency | None]) -> Agency:
        """Return the agency that a request is about, if its bearer may ask.

        Args:
            find: returns an agency as it is stored now.

        Raises:
            Forbidden: it is another's, or may not read at present.
            Unauthorised: its key does not count any more.
            TooMany: it asks too often.
            NotFound: there is none of this name; only the house is told so.
        """
        if bearer.role is not Role.AGENCY:
            return _known(find(name))
        if bearer.name != name:
            raise Forbidden("your token is for another agency; each reads its own feed only")
        self._requests.draw(name, time.monotonic())
        agency = find(name)
        if agency is None or not agency.counts(bearer.key, datetime.now(UTC)):
            raise Unauthorised("this key does not count any more; use the newest, or ask for new ones")
        if agency.status is not Status.ACTIVE:
            raise Forbidden(f"your subscription is {agency.status}; ask who looks after it")
        return agency


def _known(agency: Agency | None) -> Agency:
    if agency is None:
        raise NotFound("agency-unknown", "there is no agency with this name", field="agency")
    return agency
