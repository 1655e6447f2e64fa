"""Calls of a consumer's webhook, in order, each until it is taken: by the rules of Standard Webhooks."""

import base64
import secrets
import threading
import time
from datetime import UTC, datetime, timedelta
from typing import Final

import orjson
import requests

from deploy.conformance import record
from deploy.conformance.feed import Document, LocalFeed, Sent, Trick
from services.feed.envelope import STRUCTURED
from services.feed.signature import signed

#: Seconds that a call may take, and after which it is made again; a real feed waits longer.
_PATIENCE: Final = 5.0
_AGAIN: Final = 0.3
#: Older than what a receiver may take.
_AGE: Final = timedelta(minutes=10)
#: Seconds after which the kit hangs up on its own call.
_CUT: Final = 0.001


def new_secret() -> str:
    """Return a secret for signatures."""
    return "whsec_" + base64.b64encode(secrets.token_bytes(24)).decode()


class Calls:
    """Calls a webhook with what a feed has.

    Args:
        secrets: newest first; each call is signed with all of them.
    """

    def __init__(self, feed: LocalFeed, url: str, secret: str) -> None:
        self._feed = feed
        self._url = url
        self.secrets = [secret]
        self._number = 0
        self._session = requests.Session()
        self._session.trust_env = False  # a partner's own machine is called, not its proxy
        self._thread = threading.Thread(target=self._run, daemon=True)

    def start(self) -> None:
        """Begin to call."""
        self._thread.start()

    def _run(self) -> None:
        while self._feed.is_open:
            for one in self._feed.take(self._number, seconds=0.2):
                if not self._deliver(one):
                    time.sleep(_AGAIN)
                    break  # what is missing before it may come now
                self._number = one.number

    def _deliver(self, one: Sent) -> bool:
        """Call with one delivery, after all that is to go wrong before; tell whether it was taken."""
        if one.trick is Trick.FORGED:
            forged = {**one.document, "data": {}}
            self._call(one.number, forged, [new_secret()], "forged")
        elif one.trick is Trick.OLD:
            self._call(one.number, one.document, self.secrets, "old", age=_AGE)
        elif one.trick is Trick.CUT:
            self._call(one.number, one.document, self.secrets, "cut", patience=_CUT)
        taken = self._call(one.number, one.document, self.secrets, "true")
        if taken and one.trick is Trick.TWICE:
            return self._call(one.number, one.document, self.secrets, "true")
        return taken

    def _call(
        self,
        number: int,
        document: Document,
        keys: list[str],
        what: str,
        *,
        age: timedelta = timedelta(0),
        patience: float = _PATIENCE,
    ) -> bool:
        body = orjson.dumps(document)
        headers = {"Content-Type": STRUCTURED, **signed(document["id"], datetime.now(UTC) - age, body, keys)}
        try:
            answer = self._session.post(
                self._url, data=body, headers=headers, timeout=(_PATIENCE, patience), allow_redirects=False
            )
            status = answer.status_code
        except requests.RequestException:
            status = 0
        self._feed.record.add(record.CALLED, number, f"{what} {status}")
        return 200 <= status < 300
