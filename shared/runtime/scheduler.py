"""Looks at timers when their time has come. Any number of replicas may; each timer is acted on once."""

import random
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import structlog
from nameko.extensions import DependencyProvider
from pymongo.errors import PyMongoError

from shared.kernel import Model
from shared.runtime.parking import parked_event
from shared.runtime.pause import pause
from shared.runtime.ticket import Fate, Ticket
from shared.runtime.unavailable import Unavailable
from shared.runtime.work import UnitOfWork, work_of

#: Timers that are looked at in one go.
BATCH = 100
#: Seconds between looks. Replicas that start together drift apart, so that they do not all reach for the same timer.
POLL = 1.0
#: Seconds to wait after a failure.
BACKOFF = 5.0

_log = structlog.get_logger(__name__)


class Scheduler(DependencyProvider):
    """Hands timers that are due to the service's unit of work.

    Args:
        clock: what counts as now; without one the database's clock does, which all replicas share.
    """

    def __init__(self, clock: Callable[[], datetime] | None = None) -> None:
        self._clock = clock

    def start(self) -> None:
        """Begin to look, where the model sets timers at all."""
        self._work: UnitOfWork = work_of(self.container)
        self._stopping = False
        self._thread = None
        if type(self._work.model).timers is not Model.timers:
            self._thread = self.container.spawn_managed_thread(self._run, identifier="scheduler")
            self._work.sources.append(self._thread)

    def stop(self) -> None:
        """Finish the timers in hand."""
        self._stopping = True
        if self._thread is not None:
            self._thread.wait()

    def get_dependency(self, worker_ctx: Any) -> "Scheduler":
        """Give the service this very object."""
        return self

    def _run(self) -> None:
        while not self._stopping:
            try:
                seconds = 0.0 if self.look() else POLL * random.uniform(0.5, 1.0)
            except (Unavailable, PyMongoError) as error:
                _log.warning("cannot look at timers", action="schedule", error=type(error).__name__)
                seconds = BACKOFF
            pause(seconds, lambda: self._stopping)

    def look(self) -> bool:
        """Act on what is due now; tell whether there may be more.

        Raises:
            Unavailable, PyMongoError: the database is away.
        """
        timers, consumer = self._work.unit.timers, self._work.unit.timers.consumer
        now = self._clock() if self._clock else None
        parked = [parked_event(row) for row in self._work.parking.due(consumer, now or datetime.now(UTC), BATCH)]
        tickets = self._work.fire([(timers.event(row), row["_id"]) for row in timers.due(now, BATCH)])
        tickets += self._work.fire([(event, "") for event in parked])
        return any(_is_settled(ticket) for ticket in tickets) and not self._work.committer.all_fail


def _is_settled(ticket: Ticket) -> bool:
    return ticket.fate in {Fate.DONE, Fate.REPEATED}
