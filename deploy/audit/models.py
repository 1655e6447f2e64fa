"""The pure cores of the services, by their names."""

from collections.abc import Mapping

from services.feed.model import FeedModel
from services.intake.model import IntakeModel
from services.notification.model import NotificationModel
from services.referral.model import ReferralModel
from services.volunteer.model import VolunteerModel
from shared.kernel import Model


def models() -> Mapping[str, Model]:
    """Return the model of every service. How a state follows from facts depends on no rules: those shipped do."""
    found: tuple[Model, ...] = (IntakeModel(), ReferralModel(), VolunteerModel(), NotificationModel(), FeedModel({}))
    return {model.name: model for model in found}
