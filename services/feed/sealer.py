"""Seals identity to the keys of agencies that cannot ask for it, as soon as a delivery is made."""

from collections.abc import Sequence
from typing import Any, Final

import eventlet
import structlog
from nameko.extensions import DependencyProvider
from pymongo.errors import PyMongoError

from services.feed.agency import Agency
from services.feed.delivery import Delivery
from services.feed.enrolment import command
from services.feed.identity import Intake
from services.feed.model import SEAL
from services.feed.sandbox import invented
from services.feed.seal import seal
from shared.kernel import Gone, Message, NotFound
from shared.runtime.bell import Bell
from shared.runtime.colleague import Misunderstood
from shared.runtime.database import Document
from shared.runtime.lease import Lease
from shared.runtime.unavailable import Unavailable
from shared.runtime.work import UnitOfWork, work_of

#: Deliveries that are taken at once.
BATCH: Final = 50
POLL: Final = 1.0
#: In the data of a delivery as the journal keeps it.
_WANTED: Final = '"seal":"wanted"'

_log = structlog.get_logger(__name__)


class Sealer(DependencyProvider):
    """Asks intake for what an agreement allows at this moment; until then the delivery, and what follows it, waits."""

    def start(self) -> None:
        """Begin to seal."""
        self._work: UnitOfWork = work_of(self.container)
        settings = self._work.settings
        self._intake = Intake(settings)
        # Who asks twice discloses twice: one replica seals.
        self._lease = Lease(self._work.database, settings.instance, "seal")
        self._stopping = False
        self._bell = Bell()
        self._work.listeners.append(self._on_commit)
        self._thread = self.container.spawn_managed_thread(self._run, identifier="sealer")
        self._work.sources.append(self._thread)

    def stop(self) -> None:
        """Finish what is in hand."""
        self._stopping = True
        self._bell.ring()
        with eventlet.Timeout(10, False):
            self._thread.wait()

    def get_dependency(self, worker_ctx: Any) -> "Sealer":
        """Give the service this very object."""
        return self

    def _on_commit(self, entries: Sequence[Document]) -> None:
        if any(_WANTED in record["data"] for entry in entries for record in entry["events"]):
            self._bell.ring()

    def _run(self) -> None:
        while not self._stopping:
            try:
                busy = self._round()
            except (Unavailable, Misunderstood, PyMongoError) as error:
                _log.warning("cannot seal", action="seal", why=str(error) or type(error).__name__)
                busy = False
            if not busy and not self._stopping:
                self._bell.wait(POLL)

    def _round(self) -> bool:
        """Seal what waits; tell whether anything did."""
        states = self._work.unit.states
        waiting: list[Delivery] = states.find("delivery", {"state.seal": "wanted"}, BATCH, oldest_first=True)
        if not waiting or not self._lease.take():
            return False
        names = sorted({one.agency for one in waiting})
        found: list[Agency] = states.find("agency", {"_id": {"$in": names}}, len(names))
        agencies = {agency.id: agency for agency in found}
        for one in waiting:
            if self._stopping:
                break
            self._work.do(self._sealed(agencies[one.agency], one))
        return True

    def _sealed(self, agency: Agency, delivery: Delivery) -> Message:
        """Return the command that keeps what is sealed, or why it is withheld.

        Raises:
            Unavailable: intake does not answer.
        """
        outcome, jwe = "done", ""
        key = agency.private.public_key
        if delivery.closed or key is None:
            outcome = delivery.closed or "removed"
        else:
            try:
                jwe = seal(key, self._identity(agency, delivery))
            except (Gone, NotFound):
                outcome = "withheld"
        said = {"agency": agency.id, "number": delivery.number, "case_id": delivery.case_id}
        return command(SEAL, {**said, "outcome": outcome, "jwe": jwe})

    def _identity(self, agency: Agency, delivery: Delivery) -> dict[str, Any]:
        if agency.sandbox:
            return invented(delivery.case_id, delivery.identity)
        return self._intake.identity(agency, delivery, delivery.identity)
