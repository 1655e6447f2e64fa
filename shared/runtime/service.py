"""What every service of the house answers: is it well, and what does it count."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, ClassVar

from pymongo.errors import PyMongoError

from shared.runtime import metrics
from shared.runtime.auth import HOUSE, Role
from shared.runtime.field import Code, Items, Text
from shared.runtime.form import Form
from shared.runtime.http import Answer, Request, http
from shared.runtime.relay import Relay
from shared.runtime.scheduler import Scheduler
from shared.runtime.subscriber import Subscriber
from shared.runtime.work import UnitOfWork


class Health(Form):
    """Whether a service is well."""

    service = Text(32, required=True)
    status = Code(("ok", "ailing"), required=True)
    ailing = Items(Text(200, required=True), 100, required=True, about="What is wrong, one sentence each.")

    example: ClassVar[Mapping[str, Any]] = {"service": "intake", "status": "ok", "ailing": []}


#: Niceness (see nice(2)) of a service for which nobody waits at a telephone.
LATER = 5


class Service:
    """Base of the nameko services; a subclass gives `name` and `work`.

    Attributes:
        niceness: how far its process stands back for the others of the machine while the processors are busy.
    """

    name: str
    niceness: ClassVar[int] = 0
    work: UnitOfWork
    relay = Relay()
    scheduler = Scheduler()

    @http(
        "GET",
        "/health",
        roles=HOUSE,
        answers=Health,
        statuses=(HTTPStatus.OK, HTTPStatus.SERVICE_UNAVAILABLE),
    )
    def health(self, request: Request) -> Answer:
        """Tell whether database and broker are within reach and all consumers listen."""
        ailing = self._ailing()
        content: dict[str, Any] = {"service": self.name, "status": "ailing" if ailing else "ok", "ailing": ailing}
        return Answer(status=HTTPStatus.SERVICE_UNAVAILABLE if ailing else HTTPStatus.OK, content=content)

    @http("GET", "/metrics", roles={Role.ADMIN, Role.SERVICE, Role.AUDITOR}, content_type="text/plain")
    def figures(self, request: Request) -> Answer:
        """Return the figures in the Prometheus text format."""
        try:
            metrics.UNPUBLISHED.set(self.relay.unpublished)
            metrics.PARKED.set(self.work.parking.waiting())
            metrics.DEAD.set(self.work.parking.count_dead())
        except PyMongoError:
            pass  # the gauges keep their last value while the database is away; the health check says so
        return Answer(body=metrics.exposition(), content_type="text/plain; version=0.0.4; charset=utf-8")

    def _ailing(self) -> list[str]:
        ailing = []
        try:
            self.work.database.command("ping")
        except PyMongoError:
            ailing.append("the database is away")
        if not self.relay.connected:
            ailing.append("the broker is away: nothing is published")
        ailing += [f"{s.queue} is not consumed" for s in self._subscribers() if not s.connected]
        return ailing

    def _subscribers(self) -> list[Subscriber]:
        return [e for e in self.work.container.entrypoints if isinstance(e, Subscriber)]
