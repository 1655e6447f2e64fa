"""Notification: whom to tell, by which safe channel, in which words."""

from services.notification.disclosure import Intake
from services.notification.model import NotificationModel
from services.notification.sender import Sender
from shared.runtime.batch import Batch
from shared.runtime.service import LATER, Service
from shared.runtime.subscriber import subscribe
from shared.runtime.ticket import Ticket
from shared.runtime.work import UnitOfWork


class NotificationService(Service):
    """The nameko service."""

    name = "notification"
    niceness = LATER
    work = UnitOfWork(lambda _: NotificationModel(), indexes={"notice": ["state.status"]})
    sender = Sender()

    @subscribe("intake")
    def on_intake(self, batch: Batch) -> list[Ticket]:
        """Decide for every report whether the client is told, on the wishes that intake discloses for it."""
        contacts = Intake(self.work.settings).contacts(batch.events)
        return self.work.take(batch, extra=contacts)
