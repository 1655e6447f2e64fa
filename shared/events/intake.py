"""The events that intake publishes: reports, cases, risk, consents, disclosures, erasures."""

from typing import Any

from shared.events.case import CASE_ID, OTHER_CASE_ID, REPORT_ID, SNAPSHOT, Snapshot
from shared.events.declaration import Publisher
from shared.events.fields import Code, Data, District, Flag, Id, ListOf, OpenCode, Part, Pattern, Time, codes
from shared.events.vocabulary import (
    AGENCIES,
    BASES,
    CATEGORIES,
    CHANNELS,
    ERASURE_REASONS,
    FACTORS,
    GRADES,
    IDENTITY_FIELDS,
    REASONS,
    ROLES,
    WISHES,
)

publisher = Publisher("intake")


class Report(Data):
    """What a report says, without who says it and about whom."""

    id = Id()
    channel = Code(CHANNELS)
    received_at = Time()
    reporter_role = Code(ROLES)
    category = Code(CATEGORIES, null=True)
    risk_factors = codes(FACTORS)
    wishes = codes(WISHES)
    immediate_danger = Flag()
    consents = codes(
        AGENCIES, about="Agencies that the client agreed to in this report, where its reporter can say so."
    )


@publisher.event(
    "report.received",
    version=1,
    listeners=("referral", "volunteer", "notification"),
    example={
        "report": {
            "id": REPORT_ID,
            "channel": "hotline_12338",
            "received_at": "2026-03-02T01:14:00Z",
            "reporter_role": "self",
            "category": "domestic_violence",
            "risk_factors": ["controlling_or_jealous", "injury", "separated_or_trying"],
            "wishes": ["legal_aid", "protection_order"],
            "immediate_danger": False,
            "consents": ["justice", "police"],
        },
        "case": SNAPSHOT,
        "opens_case": True,
        "escalated": True,
    },
)
class ReportReceived(Data):
    """A report is stored and linked to its case."""

    report = Part(Report)
    case = Part(Snapshot)
    opens_case = Flag()
    escalated = Flag(about="The grade rose with this report; a new case counts from blue.")


@publisher.event(
    "case.created",
    version=1,
    listeners=("feed",),
    example={"case": SNAPSHOT},
)
class CaseCreated(Data):
    """A report opened a case."""

    case = Part(Snapshot)


class Match(Data):
    """A case that may be the same one, or the other side."""

    case_id = Id()
    because = ListOf(OpenCode())
    other_side = Flag(about="Only shown: other sides can never be merged.")


@publisher.event(
    "case.match_suggested",
    version=1,
    reason="A caseworker decides, in intake; this is for subscribers.",
    example={
        "case_id": CASE_ID,
        "matches": [{"case_id": OTHER_CASE_ID, "because": ["name_and_birth_date"], "other_side": False}],
    },
)
class CaseMatchSuggested(Data):
    """A new case may be about the client or the accused of another."""

    case_id = Id()
    matches = ListOf(Part(Match))


@publisher.event(
    "case.other_side_found",
    version=1,
    listeners=("referral", "volunteer"),
    example={
        "case": {**SNAPSHOT, "counter_report": True, "other_sides": [OTHER_CASE_ID]},
        "other_side": OTHER_CASE_ID,
        "report_id": REPORT_ID,
    },
)
class CaseOtherSideFound(Data):
    """A report on another case made this one a counter-report, or gave it another side."""

    case = Part(Snapshot)
    other_side = Id()
    report_id = Id()


class Grading(Data):
    """A grade of a case and the one before."""

    case_id = Id()
    district = District()
    grade = Code(GRADES)
    previous = Code(GRADES, about="Blue for a new case.")
    reasons = ListOf(OpenCode(REASONS))


GRADING = {
    "case_id": CASE_ID,
    "district": "330302",
    "grade": "orange",
    "previous": "blue",
    "reasons": ["separation_control_injury", "factors_1_to_9", "violence_or_harassment"],
}


@publisher.event(
    "risk.assessed",
    version=1,
    reason="Who acts on a grade finds it in report.received; this is for subscribers.",
    example=GRADING,
)
class RiskAssessed(Grading):
    """The grade of a case or its reasons changed."""


@publisher.event(
    "risk.escalated",
    version=1,
    listeners=("feed",),
    example=GRADING,
)
class RiskEscalated(Grading):
    """The grade of a case rose; a new case counts from blue."""


@publisher.event(
    "consent.withdrawn",
    version=1,
    listeners=("referral", "feed"),
    example={"case_id": CASE_ID, "district": "330302", "agencies": ["justice"]},
)
class ConsentWithdrawn(Data):
    """A client takes back what she had agreed to; a later report with her consent gives it again."""

    case_id = Id()
    district = District()
    agencies = codes(AGENCIES, about="Those that she had agreed to until now.")


@publisher.event(
    "case.erased",
    version=1,
    listeners=("feed",),
    example={"case_id": CASE_ID, "district": "330302", "reason": "requested_by_client"},
)
class CaseErased(Data):
    """The key of a case is destroyed: nobody can read any more what was kept of the people in it."""

    case_id = Id()
    district = District()
    reason = OpenCode(ERASURE_REASONS)


class FieldName(Pattern):
    """The name of a field, or of one within a part, as in `client.phone`."""

    def __init__(self) -> None:
        super().__init__(r"(?!([^0-9]*[0-9]){7})[a-z][a-z0-9_]{0,40}(\.[a-z][a-z0-9_]{0,40})?", "the name of a field")
        self.metadata = {"examples": list(IDENTITY_FIELDS)}


@publisher.event(
    "identity.disclosed",
    version=2,
    reason="Kept in intake's journal for the client's account of disclosures; nobody has to act on it.",
    example={
        "case_id": CASE_ID,
        "audience": "client",
        "purpose": "client_notice",
        "basis": "consent",
        "fields": ["client.phone"],
    },
)
class IdentityDisclosed(Data):
    """Somebody was told who the client is: which fields, for what, and why that is allowed."""

    case_id = Id()
    audience = OpenCode()
    purpose = OpenCode()
    basis = Code(BASES)

    class Meta(Data.Meta):
        # A name that marshmallow keeps for itself.
        include = {"fields": ListOf(FieldName())}  # noqa: RUF012


@publisher.upcaster("identity.disclosed", from_version=1)
def _without_parts(data: dict[str, Any]) -> dict[str, Any]:
    """Fields were named as a whole (`phone`, `client`); since version 2 there are those within a part, too."""
    return data
