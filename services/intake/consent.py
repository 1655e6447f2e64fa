"""What a client has agreed to, she can take back: only a withdrawal takes a consent away."""

from typing import Final

from msgspec.structs import replace

from services.intake.case import Case
from services.intake.facts import fact
from shared.kernel import Decision, Fact, Message

WITHDRAW: Final = "withdraw_consent"


def decided(message: Message, case: Case) -> Decision:
    """Yield the withdrawal from those agencies to which she had agreed; answer with what is left."""
    named = set(message.data["agencies"])
    withdrawn = [agency for agency in case.consents if agency in named]
    left = [agency for agency in case.consents if agency not in named]
    if withdrawn:
        public = {"case_id": case.id, "district": case.district, "agencies": withdrawn}
        yield fact(message, "consent.withdrawn", case.id, public, {"by": message.data["by"]})
    return {"case_id": case.id, "consents": left}


def without(case: Case, withdrawn: Fact) -> Case:
    """Return a case after a withdrawal."""
    gone = withdrawn.data["agencies"]
    return replace(case, consents=tuple(agency for agency in case.consents if agency not in gone))
