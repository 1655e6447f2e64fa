"""Looks after the broker as long as feed runs, so that no agency takes it from the others."""

from typing import Any

import structlog
from nameko.extensions import DependencyProvider

from services.feed.guard import INTERVAL, Guard
from services.feed.management import NotAdministrator
from services.feed.partners import Partners
from shared.runtime.pause import pause
from shared.runtime.unavailable import Unavailable
from shared.runtime.work import work_of

#: Seconds between two looks while the broker's management API cannot be asked.
_PATIENCE = 10.0

_log = structlog.get_logger(__name__)


class Guardian(DependencyProvider):
    """Asks the guard to look, again and again; every replica does, which does no harm."""

    def start(self) -> None:
        """Begin to look."""
        self._guard = Guard(Partners(work_of(self.container).settings))
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
                for agency in self._guard.look():
                    _log.warning("an agency is held off the broker", action="guard", agency=agency)
                self._blind = False
            except (Unavailable, NotAdministrator) as error:
                if not self._blind:
                    _log.warning("cannot guard the broker", action="guard", why=str(error))
                self._blind = True
            pause(_PATIENCE if self._blind else INTERVAL, lambda: self._stopping)
