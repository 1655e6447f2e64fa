"""A service that sets a timer for each note it is given."""

from shared.runtime.auth import Role
from shared.runtime.http import Answer, Request, http
from shared.runtime.jsontext import parse
from shared.runtime.service import Service
from shared.runtime.work import UnitOfWork
from tests.integration.runtime.toy import Alarms, note


class ToyAlarms(Service):
    """The nameko service."""

    name = "referral"
    work = UnitOfWork(lambda settings: Alarms(settings.rules))

    @http("POST", "/alarms", roles={Role.OPERATOR})
    def set_alarms(self, request: Request) -> Answer:
        """Take [[case, hours], …]; the hours count from a noon that is long ago."""
        tickets = self.work.do_all([note(case, hours) for case, hours in parse(request.body)])
        return Answer(content=[ticket.fate for ticket in tickets])
