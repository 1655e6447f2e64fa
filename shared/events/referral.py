"""The events that referral publishes: to whom a case goes, and where it does not."""

from shared.events.case import CASE_ID
from shared.events.declaration import Publisher
from shared.events.fields import Code, Data, District, Flag, Id, ListOf, OpenCode, Pattern, Time
from shared.events.vocabulary import AGENCIES, BASES, CANCELLATIONS, GRADES, PURPOSES, RECEIPTS

publisher = Publisher("referral")

REFERRAL_ID = "019cabd8-3f40-7b68-a1d7-0e4f5c2b9a83"


@publisher.event(
    "referral.requested",
    version=1,
    listeners=("feed",),
    example={
        "referral_id": REFERRAL_ID,
        "number": "330302-2026-000017",
        "case_id": CASE_ID,
        "agency": "justice",
        "purpose": "legal_aid",
        "basis": "consent",
        "rule": "legal_aid",
        "district": "330302",
        "grade": "orange",
        "requested_at": "2026-03-02T01:14:00Z",
        "acknowledge_by": "2026-03-05T01:14:00Z",
        "finish_by": "2026-03-09T01:14:00Z",
        "calendar_assumed": False,
        "green_channel": True,
    },
)
class ReferralRequested(Data):
    """A rule refers a case to an agency; the clock starts."""

    referral_id = Id()
    number = Pattern(
        r"[0-9]{6}-[0-9]{4}-[0-9]{6,9}",
        "a letter's number",
        about="On the letter that the client shows at the agency's window: county, year, number.",
    )
    case_id = Id()
    agency = Code(AGENCIES)
    purpose = OpenCode(PURPOSES)
    basis = Code(BASES)
    rule = OpenCode(about="The line of the referral rules that asked for it.")
    district = District()
    grade = Code(GRADES)
    requested_at = Time()
    acknowledge_by = Time()
    finish_by = Time()
    calendar_assumed = Flag(about="Working days were counted in a year whose holidays are not known yet.")
    green_channel = Flag(about="No means test (legal aid in a violence category).")


@publisher.event(
    "referral.cancelled",
    version=1,
    listeners=("feed",),
    example={
        "referral_id": REFERRAL_ID,
        "case_id": CASE_ID,
        "agency": "justice",
        "purpose": "mediation",
        "reason": "mediation_barred",
    },
)
class ReferralCancelled(Data):
    """A referral is taken back by its sender."""

    referral_id = Id()
    case_id = Id()
    agency = Code(AGENCIES)
    purpose = OpenCode(PURPOSES)
    reason = OpenCode(CANCELLATIONS)


class Subscriber(Pattern):
    """The name of a subscriber; with six digits at most, so that no telephone number is one."""

    def __init__(self) -> None:
        super().__init__(r"(?!([^0-9]*[0-9]){7})[a-z][a-z0-9-]{0,30}", "the name of a subscriber")


@publisher.event(
    "referral.receipted",
    version=1,
    reason="Shown with the referral; what follows from it is for a caseworker to say.",
    example={
        "referral_id": REFERRAL_ID,
        "case_id": CASE_ID,
        "agency": "justice",
        "by": "wenzhou-justice",
        "receipt": "received",
        "at": "2026-03-02T01:20:00Z",
    },
)
class ReferralReceipted(Data):
    """An agency said for the first time that a referral has reached it, or that it acted on it."""

    referral_id = Id()
    case_id = Id()
    agency = Code(AGENCIES)
    by = Subscriber()
    receipt = Code(RECEIPTS)
    at = Time()


@publisher.event(
    "consent.needed",
    version=1,
    reason="It is a caseworker's task; no service can give a consent.",
    example={"case_id": CASE_ID, "agency": "health", "purpose": "injury_care", "district": "330302"},
)
class ConsentNeeded(Data):
    """A rule would refer the case if the client agreed; a caseworker is to ask her, once."""

    case_id = Id()
    agency = Code(AGENCIES)
    purpose = OpenCode(PURPOSES)
    district = District()


@publisher.event(
    "mediation.refused",
    version=1,
    listeners=("feed",),
    example={
        "case_id": CASE_ID,
        "reasons": ["violence_category", "injury", "controlling_or_jealous"],
        "district": "330302",
    },
)
class MediationRefused(Data):
    """Mediation was wished for, and may not be."""

    case_id = Id()
    reasons = ListOf(OpenCode(), about="Every line of the risk rules that bars mediation.")
    district = District()
