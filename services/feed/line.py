"""The line to one agency by webhook: one delivery after the other, each again until the agency has taken it."""

import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Final
from uuid import uuid4

import orjson
import structlog
from pymongo.errors import PyMongoError

from services.feed import envelope
from services.feed.agency import Agency, Webhook
from services.feed.caller import SECONDS, Caller, NoAnswer
from services.feed.cursor import Cursors
from services.feed.figures import BEHIND, CALL_SECONDS, CALLS, outcome
from services.feed.permission import Permissions
from services.feed.ready import ready
from services.feed.signature import signed
from services.feed.tries import WAY, Tries
from shared.kernel import Message
from shared.rules import china_day
from shared.runtime.bell import Bell
from shared.runtime.pause import pause
from shared.runtime.unavailable import Unavailable
from shared.runtime.work import UnitOfWork

#: Heartbeats of other ways in the time of one here: a call costs more than a line in an open connection.
HEARTBEATS: Final = 20
#: Seconds to wait for what is away or not yet ready.
_AWAY = 1.0
#: Seconds to wait after what nobody has foreseen.
_AT_A_LOSS = 30.0
_SUCCESS, _GONE = range(200, 300), 410
#: With these a partner may say for how long.
_ASKING = frozenset({429, 503})

_log = structlog.get_logger(__name__)


class Line:
    """Calls one agency, in a thread of its own.

    Args:
        name: of the agency.
        permissions: tell what it may read.
        leads: tells whether this process is still the one that calls.
    """

    def __init__(
        self, name: str, work: UnitOfWork, caller: Caller, permissions: Permissions, leads: Callable[[], bool]
    ) -> None:
        self._name = name
        self._work = work
        self._caller = caller
        self._permissions = permissions
        self._leads = leads
        self._cursors = Cursors(work.database)
        self._bell = Bell()
        self._open = True
        #: The last number that the agency has taken; None until it is known.
        self._number: int | None = None
        self._tries = Tries(number=0)
        self._beat_after = work.settings.heartbeat * HEARTBEATS
        self._beat_at = time.monotonic() + self._beat_after
        #: It has ended.
        self.done = False

    def run(self) -> None:
        """Call until the line is closed."""
        try:
            while self._open:
                self._step()
        finally:
            self._caller.hang_up()
            self.done = True

    def offer(self, last: int) -> None:
        """Hear the number of the last delivery that is stored."""
        if self._number is not None:
            BEHIND.labels(self._name).set(max(0, last - self._number))
            if last > self._number:
                self.wake()

    def wake(self) -> None:
        """Look for something to deliver."""
        self._bell.ring()

    def close(self) -> None:
        """End when the call in hand has ended."""
        self._open = False
        self.wake()

    def _step(self) -> None:
        """Do the next thing that is to be done, or wait for it."""
        try:
            if not self._leads():
                self._pause(_AWAY)
            else:
                self._go_on()
        except (PyMongoError, Unavailable) as error:
            _log.warning("cannot call", action="call", agency=self._name, error=type(error).__name__)
            self._number = None
            self._pause(_AWAY)
        except Exception:  # noqa: BLE001  whatever is wrong here must not stop the calls of others
            _log.exception("call failed", action="call", agency=self._name)
            self._number = None
            self._pause(_AT_A_LOSS)

    def _go_on(self) -> None:
        agency: Agency | None = self._work.unit.states.find_one("agency", self._name)
        if agency is None or not (agency.is_active and agency.webhook is Webhook.ON):
            self.close()
            return
        if self._number is None or self._number < agency.since:
            self._remember(agency)
        if self._tries.stop:
            self._stop()
        elif agency.last < self._tries.number:
            self._idle(agency)
        elif wait := self._tries.wait(datetime.now(UTC)):
            self._pause(wait)
        else:
            self._deliver(agency)

    def _remember(self, agency: Agency) -> None:
        """Learn from what is stored where this agency is; what came before its subscription is not for it."""
        self._tries = Tries.noted(self._cursors.get(WAY, self._name), agency.since)
        self._number = self._tries.number - 1

    def _deliver(self, agency: Agency) -> None:
        """Call with the next delivery, as the agency may read it at this moment."""
        now = datetime.now(UTC)
        found = ready(self._work.unit.states, {self._name: self._tries.number - 1}, 1)
        if not found:
            self._caller.hang_up()
            self._rest(_AWAY)
            return
        delivery = self._permissions.readable(agency, found[0].delivery, china_day(now))
        sealed = found[0].sealed if delivery.seal else ""
        body = envelope.structured(delivery, self._work.settings.feed_url, sealed)
        status, retry_after = self._called(agency, "delivery", delivery.event_id, body, now)
        if status in _SUCCESS:
            self._taken()
        else:
            self._failed(status, retry_after)

    def _taken(self) -> None:
        number, was_tried = self._tries.number, self._tries.count > 0
        self._keep(lambda: self._cursors.advance(WAY, self._name, number))
        if was_tried:
            self._keep(lambda: self._cursors.note(WAY, self._name))
        self._number, self._tries = number, Tries(number=number + 1)

    def _failed(self, status: int | str, retry_after: float) -> None:
        now, delays, stop = datetime.now(UTC), self._work.settings.webhook_delays, str(uuid4())
        if status == _GONE:
            self._tries = self._tries.gone(_GONE, stop=stop)
        else:
            self._tries = self._tries.failed(status, now, delays, retry_after=retry_after, stop=stop)
        _log.warning(
            "not taken",
            action="call",
            agency=self._name,
            number=self._tries.number,
            status=status,
            tries=self._tries.count,
            again_in_s=round(self._tries.wait(now), 1) if self._tries.retry_at else None,
        )
        self._keep(lambda: self._cursors.note(WAY, self._name, **self._tries.note))

    def _stop(self) -> None:
        """Say that the agency is called no more; where that was said before and taken back, begin with it anew."""
        tries = self._tries
        if any(self._work.unit.journal.caused_by([tries.stop])):
            self._cursors.note(WAY, self._name)
            self._tries = Tries(number=tries.number)
            return
        data = {"agency": self._name, "number": tries.number, "why": tries.why}
        self._work.do(Message(id=tries.stop, type="stop_calling", time=datetime.now(UTC), data=data))
        _log.error("given up", action="call", agency=self._name, number=tries.number, why=tries.why)
        self.close()

    def _idle(self, agency: Agency) -> None:
        """Wait for the next delivery; now and then say that there is none."""
        BEHIND.labels(self._name).set(0)
        if time.monotonic() >= self._beat_at:
            now = datetime.now(UTC)
            content = envelope.heartbeat(self._name, self._tries.number - 1, now)
            self._called(agency, "heartbeat", content["id"], orjson.dumps(content), now)
        self._caller.hang_up()
        self._rest(max(0.0, self._beat_at - time.monotonic()))

    def _called(self, agency: Agency, what: str, id: str, body: bytes, now: datetime) -> tuple[int | str, float]:
        """Call; return the status, or why there is none, and for how many seconds the agency wants to be left alone."""
        began = time.monotonic()
        headers = {
            "Content-Type": envelope.STRUCTURED,
            "User-Agent": "niangjia",
            **signed(id, now, body, agency.secrets(now)),
        }
        status: int | str
        try:
            answer = self._caller.post(agency.private.webhook_url, headers, body, SECONDS)
            status, retry_after = answer.status, answer.retry_after if answer.status in _ASKING else 0.0
        except NoAnswer as error:
            status, retry_after = str(error), 0.0
        self._beat_at = time.monotonic() + self._beat_after
        CALL_SECONDS.observe(time.monotonic() - began)
        CALLS.labels(self._name, what, outcome(status)).inc()
        return status, retry_after

    def _keep(self, write: Callable[[], Any]) -> None:
        """Write down what became of a call, however long the database takes to come: it did happen."""
        while True:
            try:
                write()
                return
            except PyMongoError as error:
                if not self._open:
                    raise
                _log.warning("cannot write it down", action="call", agency=self._name, error=type(error).__name__)
                self._pause(_AWAY)

    def _pause(self, seconds: float) -> None:
        """Wait, whatever there is to deliver."""
        self._caller.hang_up()
        pause(seconds, lambda: not self._open)

    def _rest(self, seconds: float) -> None:
        """Wait until there may be something to deliver."""
        self._bell.wait(seconds)
