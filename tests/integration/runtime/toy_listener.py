"""A service that writes down what intake publishes."""

from shared.runtime.batch import Batch
from shared.runtime.service import Service
from shared.runtime.subscriber import subscribe
from shared.runtime.ticket import Ticket
from shared.runtime.work import UnitOfWork
from tests.integration.runtime.toy import Toy


class ToyListener(Service):
    """The nameko service; its method raises on cases that the file `method_fails` in the folder of rules names."""

    name = "referral"
    work = UnitOfWork(lambda settings: Toy(settings.rules))

    @subscribe("intake")
    def on_intake(self, batch: Batch) -> list[Ticket]:
        """Write down."""
        folder = self.work.settings.rules
        if folder and (file := folder / "method_fails").exists():
            failing = set(file.read_text().split())
            if any(event.subject in failing for event in batch.events):
                raise RuntimeError("李四 13800000002")
        return self.work.take(batch)
