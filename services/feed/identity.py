"""The claim check: who somebody is, asked of intake each time, for one agency and one purpose; never kept."""

from datetime import date
from functools import cache
from typing import Any, Final

from services.feed.agency import Agency
from services.feed.agreement import narrowed
from services.feed.delivery import Delivery
from services.feed.permission import Permissions
from services.feed.sandbox import invented
from shared.kernel import Gone, NotFound
from shared.runtime.colleague import Colleague, Misunderstood
from shared.runtime.problem import Forbidden
from shared.runtime.settings import Settings

_CLOSED: Final = {
    "consent_withdrawn": "the client has withdrawn her consent",
    "referral_cancelled": "the referral was cancelled",
    "erased": "the person was erased",
}
_REFUSED: Final = {
    "no_consent": Gone("delivery-closed", "the client does not consent to this any more: use it no longer"),
    "erased": Gone("delivery-closed", "the person was erased: use it no longer"),
    "case_unknown": NotFound("case-unknown", "nobody knows this case any more"),
}


class Intake:
    """Intake, as feed knows it."""

    def __init__(self, settings: Settings) -> None:
        self._intake = Colleague("intake", settings.intake_url, asker="feed", key=settings.key("token"))

    def identity(self, agency: Agency, delivery: Delivery, fields: tuple[str, ...]) -> dict[str, Any]:
        """Return the named fields of the people in a case, nested; intake writes the disclosure down.

        Raises:
            Gone: her consent is not there any more, or the person was erased.
            NotFound: intake does not know the case.
            Unavailable: intake does not answer.
        """
        asked = {
            "case_id": delivery.case_id,
            "audience": agency.kind,
            "purpose": delivery.purpose,
            "basis": delivery.basis,
            "fields": list(fields),
        }
        item = self._intake.post("/identities", {"items": [asked]})["items"][0]
        if item["why_not"]:
            raise _REFUSED.get(item["why_not"]) or Misunderstood(f"intake says {item['why_not']}")
        found: dict[str, Any] = item["fields"]
        return found


@cache
def intake(settings: Settings) -> Intake:
    """Return intake, always the same: its connections are kept."""
    return Intake(settings)


class ClaimCheck:
    """Lets an agency have what its agreement allows at this moment."""

    def __init__(self, permissions: Permissions, intake: Intake) -> None:
        self._permissions = permissions
        self._intake = intake

    def redeem(self, agency: Agency, delivery: Delivery, day: date) -> dict[str, Any]:
        """Return the identity that goes with a delivery, on a day in China.

        Raises:
            NotFound: none ever went with it.
            Forbidden: today's agreement does not allow it.
            Gone: it was recalled.
            Unavailable: intake does not answer.
        """
        if not delivery.identity:
            raise NotFound("no-identity", "no identity goes with this delivery: it has no dataref", field="number")
        if delivery.closed:
            why = _CLOSED.get(delivery.closed, "it was recalled")
            raise Gone("delivery-closed", f"{why}: use it no longer")
        grant = self._permissions.grant(agency, delivery, day)
        fields = narrowed(delivery.identity, grant) if grant is not None else ()
        if not fields:
            raise Forbidden("your agreement of today does not allow this")
        if agency.sandbox:
            return invented(delivery.case_id, fields)
        return self._intake.identity(agency, delivery, fields)
