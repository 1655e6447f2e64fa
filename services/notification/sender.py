"""Sends the notices that wait, and writes down what became of them."""

from collections import Counter
from collections.abc import Collection, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import eventlet
import structlog
from nameko.extensions import DependencyProvider
from pymongo.errors import PyMongoError

from services.notification.channel import Away, NotSent, Outgoing, Unsure, channel
from services.notification.disclosure import Intake
from services.notification.handover import Handovers
from services.notification.notice import Notice
from services.notification.wording import Wording
from shared.kernel import Message
from shared.runtime.bell import Bell
from shared.runtime.colleague import Misunderstood
from shared.runtime.database import Document
from shared.runtime.pause import pause
from shared.runtime.unavailable import Unavailable
from shared.runtime.work import UnitOfWork, work_of

#: Notices that are taken at once.
BATCH = 100
#: Tries of one notice before it is given to a person.
TRIES = 5
POLL = 1.0
#: Seconds to wait for a channel that is away, at first and at most.
PAUSE = (1.0, 60.0)
#: Seconds to let notices gather before a round.
GATHER = 0.5
#: Why a notice failed that was in the channel's hands when a process died or the channel went away, and that must not
#: be sent again, because its way is safe no longer. Whoever looks after the client has to know.
MAY_HAVE_LEFT = "may_have_left"

_log = structlog.get_logger(__name__)


class Sender(DependencyProvider):
    """Takes queued notices from the database: a notice is sent once, however often this process dies."""

    def start(self) -> None:
        """Begin to send, unless sending is off."""
        self._work: UnitOfWork = work_of(self.container)
        settings = self._work.settings
        self._stopping = False
        #: Seconds to wait because the channel is away; 0 when it is there.
        self._away = 0.0
        self._bell = Bell()
        self._tries: Counter[str] = Counter()
        self._channel = channel(settings.outbox, self._work.sealing)
        self._thread = None
        if self._channel is not None:
            self._intake = Intake(settings)
            self._wording = Wording(settings.language)
            self._handovers = Handovers(self._work.database)
            self._work.listeners.append(self._on_commit)
            self._thread = self.container.spawn_managed_thread(self._run, identifier="sender")
            self._work.sources.append(self._thread)

    def stop(self) -> None:
        """Finish the notice in hand."""
        self._stopping = True
        if self._thread is not None:
            self._bell.ring()
            with eventlet.Timeout(10, False):
                self._thread.wait()

    def get_dependency(self, worker_ctx: Any) -> "Sender":
        """Give the service this very object."""
        return self

    def _on_commit(self, entries: Sequence[Document]) -> None:
        self._bell.ring()

    def _run(self) -> None:
        while not self._stopping:
            try:
                busy = self._round()
            except (Unavailable, Misunderstood, PyMongoError) as error:
                _log.warning("cannot send", action="send", why=str(error) or type(error).__name__)
                busy = False
            # While the channel is away nothing is asked of intake, and no notice loses a try.
            pause(self._away, lambda: self._stopping)
            if not busy and not self._stopping:
                self._bell.wait(POLL)
                eventlet.sleep(GATHER)

    def _round(self) -> bool:
        """Send what is queued; tell whether anything came to its end."""
        queued = {"state.status": "queued"}
        notices: list[Notice] = self._work.unit.states.find("notice", queued, BATCH, oldest_first=True)
        if not notices:
            return False
        addresses = self._intake.addresses([{"case_id": n.case_id, "channel": n.channel} for n in notices])
        # of these a process that died, or an earlier round, does not know whether they left
        begun = self._handovers.begun([notice.id for notice in notices])
        found = list(zip(notices, addresses, strict=True))
        done = [_failed(notice, address.why_not or "no_address", begun) for notice, address in found if not address.to]
        outgoing = [(notice, address.to) for notice, address in found if address.to]
        self._handovers.begin([notice.id for notice, _ in outgoing])
        sent, unsure = self._send_all(outgoing, begun)
        done += sent
        self._work.do_all(done)
        stored = {message.data["notice_id"] for message in done}
        self._handovers.end([one.id for one in notices if one.id in stored or one.id not in begun | unsure])
        return bool(done)

    def _send_all(
        self, outgoing: Sequence[tuple[Notice, str]], begun: Collection[str]
    ) -> tuple[list[Message], set[str]]:
        """Send one after the other; return the commands that write down what is known, and of which nothing is."""
        done: list[Message] = []
        for notice, to in outgoing:
            if self._stopping:
                break
            try:
                report = self._send(notice, to, begun)
            except Away as error:
                _log.warning("channel away", action="send", why=str(error), again_in_s=self._away or PAUSE[0])
                self._away = min(max(self._away * 2, PAUSE[0]), PAUSE[1])
                return done, {notice.id} if isinstance(error, Unsure) else set()
            self._away = 0.0
            if report:
                done.append(report)
        return done, set()

    def _send(self, notice: Notice, to: str, begun: Collection[str]) -> Message | None:
        """Send one notice and return the command that writes it down; None when it is to be tried again."""
        message = Outgoing(
            id=notice.id,
            case_id=notice.case_id,
            channel=notice.channel or "",
            to=to,
            text=self._wording.text(notice.wording),
        )
        try:
            assert self._channel is not None  # noqa: S101  the thread runs only with a channel
            self._channel.send(message)
        except NotSent as error:
            self._tries[notice.id] += 1
            _log.warning("not taken", action="send", notice=notice.id, why=str(error), tries=self._tries[notice.id])
            if self._tries[notice.id] < TRIES:
                return None
            del self._tries[notice.id]
            return _failed(notice, "channel_failed", begun)
        self._tries.pop(notice.id, None)
        return _report(notice, "mark_sent")


def _failed(notice: Notice, reason: str, begun: Collection[str]) -> Message:
    return _report(notice, "mark_failed", reason=MAY_HAVE_LEFT if notice.id in begun else reason)


def _report(notice: Notice, type: str, **data: str) -> Message:
    content = {"notice_id": notice.id, **data}
    return Message(id=str(uuid4()), type=type, time=datetime.now(UTC), data=content, case=notice.case_id)
