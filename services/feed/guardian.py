"""Looks after the partners' part of the broker as long as feed runs."""

import time
from typing import Any

import structlog
from nameko.extensions import DependencyProvider
from pymongo.errors import PyMongoError

from services.feed.access import Access
from services.feed.agency import Agency, Status
from services.feed.enrolment import access
from services.feed.guard import INTERVAL, Guard
from services.feed.inspector import Inspector
from services.feed.management import NotAdministrator
from services.feed.partners import Partners
from shared.runtime.pause import pause
from shared.runtime.unavailable import Unavailable
from shared.runtime.work import UnitOfWork, work_of

#: Seconds between two looks while the broker's management API, or the database, cannot be asked.
_PATIENCE = 5.0
#: Seconds between two inspections.
_INSPECTION = 15.0
_MOST = 10_000

_log = structlog.get_logger(__name__)


class Guardian(DependencyProvider):
    """Sends guard and inspector, again and again; every replica does, which does no harm."""

    def start(self) -> None:
        """Begin to look; waits for neither broker nor database."""
        self._work: UnitOfWork = work_of(self.container)
        partners = Partners(self._work.settings)
        self._guard, self._inspector = Guard(partners), Inspector(partners)
        self._inspect_at = 0.0
        self._stopping = False
        self._blind = False
        self.container.spawn_managed_thread(self._run, identifier="guardian")

    def stop(self) -> None:
        """End with the next look."""
        self._stopping = True

    def get_dependency(self, worker_ctx: Any) -> "Guardian":
        """Give the service this very object."""
        return self

    def _run(self) -> None:
        while not self._stopping:
            try:
                self._look()
                self._blind = False
            except (Unavailable, NotAdministrator, PyMongoError) as error:
                if not self._blind:
                    why = type(error).__name__ if isinstance(error, PyMongoError) else str(error)
                    _log.warning("cannot look after the broker", action="guard", why=why)
                self._blind = True
            pause(_PATIENCE if self._blind else INTERVAL, lambda: self._stopping)

    def _look(self) -> None:
        if time.monotonic() >= self._inspect_at:
            for agency in self._inspector.inspect(self._wanted):
                _log.warning("the broker is put right for an agency", action="inspect", agency=agency)
            self._inspect_at = time.monotonic() + _INSPECTION
        for agency in self._guard.look():
            _log.warning("an agency is held off the broker", action="guard", agency=agency)

    def _wanted(self) -> list[Access]:
        found: list[Agency] = self._work.unit.states.find("agency", {"state.stream": True}, _MOST)
        return [access(agency) for agency in found if agency.status is not Status.REMOVED]
