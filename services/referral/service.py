"""Referral: which agencies are asked to act, on which basis, by when."""

from services.referral.model import ReferralModel
from shared.runtime.batch import Batch
from shared.runtime.service import Service
from shared.runtime.subscriber import subscribe
from shared.runtime.ticket import Ticket
from shared.runtime.work import UnitOfWork


class ReferralService(Service):
    """The nameko service."""

    name = "referral"
    work = UnitOfWork(lambda settings: ReferralModel(settings.rules))

    @subscribe("intake")
    def on_intake(self, batch: Batch) -> list[Ticket]:
        """Run the rules again for every case that a report changed."""
        return self.work.take(batch)
