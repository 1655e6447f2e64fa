"""Volunteer: who is registered, who is asked, who must not meet whom."""

from datetime import UTC, datetime
from uuid import uuid4

from services.volunteer import answers, schemas
from services.volunteer.model import VolunteerModel
from services.volunteer.volunteer import registration
from shared.kernel import Message
from shared.runtime.auth import Bearer, Role
from shared.runtime.batch import Batch
from shared.runtime.form import load
from shared.runtime.http import Answer, Request, http
from shared.runtime.ndjson import each_line
from shared.runtime.service import LATER, Service
from shared.runtime.subscriber import subscribe
from shared.runtime.ticket import Ticket
from shared.runtime.work import UnitOfWork

REGISTRARS = {Role.COORDINATOR, Role.SUPERVISOR, Role.ADMIN}

_form = schemas.Volunteer()


class VolunteerService(Service):
    """The nameko service."""

    name = "volunteer"
    niceness = LATER
    work = UnitOfWork(lambda settings: VolunteerModel(settings.rules))

    @subscribe("intake")
    def on_intake(self, batch: Batch) -> list[Ticket]:
        """Ask for the skills that a case needs, and release who must not meet its people."""
        return self.work.take(batch)

    @http(
        "POST", "/volunteers/batch", roles=REGISTRARS, lines=True, takes=schemas.Volunteer, answers=answers.Registration
    )
    def register(self, request: Request) -> Answer:
        """Take the register, one volunteer a line; who is there already is brought up to date."""
        return each_line(request, self._registration, self.work)

    def _registration(self, data: object, bearer: Bearer) -> Message:
        record = load(_form, data)
        return registration(str(uuid4()), datetime.now(UTC), record, self.work.blind)
