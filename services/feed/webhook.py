"""Calls the agencies that want to be called: a line for each, so that who is slow or dead delays nobody else.

One replica has the lease and calls. What an agency has taken is written down after its answer, so after a crash it gets
the same again, under the same id and number; nothing is left out and nothing overtakes.
"""

import ssl
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any, Final

import eventlet
import structlog
from eventlet import patcher, tpool
from eventlet.greenthread import GreenThread
from nameko.extensions import DependencyProvider
from pymongo.errors import PyMongoError

from services.feed.address import AddressRefused, Allowed, check
from services.feed.caller import Caller, addresses
from services.feed.figures import BEHIND
from services.feed.line import Line
from services.feed.permission import Permissions
from shared.runtime.bell import Bell
from shared.runtime.database import Document
from shared.runtime.lease import TERM, Lease
from shared.runtime.problem import Fault, Invalid
from shared.runtime.settings import Settings
from shared.runtime.work import UnitOfWork, work_of

#: Seconds between looks at who is to be called, and whether there is something for them.
POLL = 1.0
#: The part of a lease after which it is prolonged, and after which it counts no more for its holder.
_PROLONG, _TRUST = 0.25, 0.8
#: Seconds that calls in hand have when the service stops.
_FINISH: Final = 5
#: Greenlets leave a lookup of a name to a thread, which it may block; there it must not be green itself.
find = patcher.original("socket").getaddrinfo

_log = structlog.get_logger(__name__)


class WebhookCaller(DependencyProvider):
    """Keeps a line to each agency with a webhook."""

    def start(self) -> None:
        """Begin to call, as soon as the lease is had."""
        self._work: UnitOfWork = work_of(self.container)
        settings = self._work.settings
        self._allowed = Allowed.read(settings.webhook_private)
        self._context = _context()
        self._permissions = Permissions()
        self._lease = Lease(self._work.database, settings.instance, "webhook")
        self._lines: dict[str, tuple[Line, GreenThread]] = {}
        self._trusted_until = self._prolong_at = 0.0
        self._stopping = False
        self._bell = Bell()
        self._work.listeners.append(self._on_commit)
        self._thread = self.container.spawn_managed_thread(self._run, identifier="webhook")
        self._work.sources.append(self._thread)

    def stop(self) -> None:
        """Finish the calls in hand, if that is soon."""
        self._stopping = True
        self._bell.ring()
        self._thread.wait()

    def get_dependency(self, worker_ctx: Any) -> "WebhookCaller":
        """Give the service this very object."""
        return self

    def _on_commit(self, entries: Sequence[Document]) -> None:
        for name in {record["subject"] for entry in entries for record in entry["events"]} & self._lines.keys():
            self._lines[name][0].wake()

    def _run(self) -> None:
        while not self._stopping:
            try:
                self._look()
            except PyMongoError as error:
                _log.warning("cannot look whom to call", action="call", error=type(error).__name__)
            self._bell.wait(POLL)
        self._end(self._lines)
        with suppress(PyMongoError):  # it ends by itself, too
            self._lease.release()

    def _look(self) -> None:
        """Keep the lease, and as many lines as there are agencies to call."""
        now = time.monotonic()
        if now >= self._prolong_at:
            if self._lease.take():
                self._trusted_until = now + TERM.total_seconds() * _TRUST
                self._prolong_at = now + TERM.total_seconds() * _PROLONG
            else:
                self._trusted_until = 0.0
        wanted = self._wanted() if self._leads() else {}
        for name in [name for name, (line, _) in self._lines.items() if line.done]:
            del self._lines[name]
            BEHIND.remove(name)
        for name, (line, _) in self._lines.items():
            if name not in wanted:
                line.close()
        for name, last in wanted.items():
            if name not in self._lines:
                self._begin(name)
            self._lines[name][0].offer(last)

    def _wanted(self) -> dict[str, int]:
        """Return who is to be called, each with the number of its last delivery."""
        rows = self._work.database["agency"].find({"state.status": "active", "state.webhook": "on"}, {"state.last": 1})
        return {row["_id"]: row["state"]["last"] for row in rows}

    def _begin(self, name: str) -> None:
        line = Line(name, self._work, Caller(self._allowed, _resolve, self._context), self._permissions, self._leads)
        thread = self.container.spawn_managed_thread(line.run, identifier=f"webhook {name}")
        self._lines[name] = (line, thread)

    def _leads(self) -> bool:
        return time.monotonic() < self._trusted_until

    def _end(self, lines: dict[str, tuple[Line, GreenThread]]) -> None:
        """Close all lines; who keeps a call waiting is hung up on, and gets the same again later."""
        for line, _ in lines.values():
            line.close()
        with eventlet.Timeout(_FINISH, False):
            for _, thread in lines.values():
                thread.wait()
        for line, thread in lines.values():
            if not line.done:
                thread.kill()


def check_webhook(form: Mapping[str, Any], settings: Settings) -> None:
    """Find nothing wrong with where an agency that comes in wants to be called, if it does.

    Raises:
        Invalid: nobody may be called there.
    """
    try:
        if url := form.get("webhook"):
            check(url, Allowed.read(settings.webhook_private))
    except AddressRefused as error:
        raise Invalid([Fault("webhook", str(error))]) from None


def _context() -> ssl.SSLContext:
    """Return how partners are known: by certificates of the authorities that this machine (SSL_CERT_FILE) trusts."""
    context = ssl.create_default_context()
    context.set_alpn_protocols(["http/1.1"])
    return context


def _resolve(host: str, port: int, seconds: float) -> Sequence[str]:
    with eventlet.Timeout(seconds, TimeoutError()):
        found: Sequence[str] = tpool.execute(addresses, host, port, find)
        return found
