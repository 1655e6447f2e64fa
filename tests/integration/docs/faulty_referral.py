"""Referral with a fault: it fails on cases of labour rights."""

from services.referral.model import ReferralModel
from services.referral.service import ReferralService
from shared.kernel import Decision, Message, Shelf
from shared.runtime.work import UnitOfWork


class FaultyModel(ReferralModel):
    """Looks for the agency of a category in a table that lacks one."""

    def decide(self, shelf: Shelf, message: Message) -> Decision:
        if "case" in message.data:
            _ = [{"marriage_dispute": "justice"}[category] for category in message.data["case"]["categories"]]
        return (yield from super().decide(shelf, message))


class FaultyReferral(ReferralService):
    """The nameko service."""

    work = UnitOfWork(lambda settings: FaultyModel(settings.rules))
