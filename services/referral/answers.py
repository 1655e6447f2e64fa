"""What goes out: how the referrals of a case stand."""

from collections.abc import Mapping
from typing import Any, ClassVar

from services.referral.docket import Docket, Referral
from services.referral.schemas import ID
from shared.events import vocabulary as v
from shared.rules import iso
from shared.runtime.field import Code, Items, Moment, Part, Text
from shared.runtime.form import Form

_CODE = r"[a-z][a-z0-9_]*"


class AgencyReceipt(Form):
    """An agency said for the first time how far it is."""

    receipt = Code(v.RECEIPTS, required=True)
    by = Text(31, required=True, about="The subscriber that said so.")
    at = Moment(required=True)


class ReferralView(Form):
    """One request to one agency for one purpose."""

    referral_id = Text(36, required=True, pattern=ID)
    number = Text(32, required=True, about="On the letter that the client shows at the agency's window.")
    agency = Code(v.AGENCIES, required=True)
    purpose = Text(64, required=True, pattern=_CODE)
    basis = Code(v.BASES, required=True)
    status = Code(("requested", "cancelled"), required=True)
    cancelled_because = Text(64, required=True, allow_none=True, pattern=_CODE)
    requested_at = Moment(required=True)
    acknowledge_by = Moment(required=True, about="Exclusive, as `finish_by`: what is done before it is in time.")
    finish_by = Moment(required=True)
    receipts = Items(Part(AgencyReceipt, required=True), len(v.RECEIPTS), required=True, about="The first of each.")


class Referrals(Form):
    """All referrals of a case, in their order; none where it has none, or is not there."""

    referrals = Items(Part(ReferralView, required=True), 1_000, required=True)

    example: ClassVar[Mapping[str, Any]] = {
        "referrals": [
            {
                "referral_id": "019cabd8-3f40-7b68-a1d7-0e4f5c2b9a83",
                "number": "330302-2026-000017",
                "agency": "justice",
                "purpose": "legal_aid",
                "basis": "consent",
                "status": "requested",
                "cancelled_because": None,
                "requested_at": "2026-03-02T01:14:00Z",
                "acknowledge_by": "2026-03-05T16:00:00Z",
                "finish_by": "2026-03-09T16:00:00Z",
                "receipts": [{"receipt": "received", "by": "wenzhou-justice", "at": "2026-03-02T01:20:00Z"}],
            }
        ]
    }


def shown(docket: Docket) -> list[dict[str, Any]]:
    """Return the referrals of a case as staff see them."""
    return [_shown(one) for one in docket.referrals]


def _shown(referral: Referral) -> dict[str, Any]:
    return {
        "referral_id": referral.id,
        "number": referral.number,
        "agency": referral.agency,
        "purpose": referral.purpose,
        "basis": referral.basis,
        "status": referral.status,
        "cancelled_because": referral.cancelled_because or None,
        "requested_at": iso(referral.requested_at),
        "acknowledge_by": iso(referral.acknowledge_by),
        "finish_by": iso(referral.finish_by),
        "receipts": [{"receipt": one.receipt, "by": one.by, "at": iso(one.at)} for one in referral.receipts],
    }
