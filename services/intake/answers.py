"""What goes out: what became of a report, how a case stands, and what was reported to those who may open the file."""

from collections.abc import Mapping
from typing import Any, ClassVar

from services.intake.schemas import HOURS, ID, SEXES, Child, Report
from shared.events import vocabulary as v
from shared.runtime.field import Code, Day, Flag, Items, Moment, Part, Text
from shared.runtime.form import Form

_COUNTY = r"[0-9]{2}|[0-9]{4}|[0-9]{6}"
_CODE = r"[a-z][a-z0-9_]*"


def _id(about: str = "") -> Text:
    return Text(36, required=True, pattern=ID, about=about)


def _codes(known: tuple[str, ...], about: str = "") -> Items:
    return Items(Code(known, required=True), len(known), required=True, about=about)


def _lines(about: str) -> Items:
    return Items(Text(64, required=True, pattern=_CODE), 100, required=True, about=about)


class Receipt(Form):
    """What became of a report, with the case as it stands after it. The same report again is answered the same."""

    report_key = Text(128, required=True)
    report_id = _id()
    case_id = _id()
    opens_case = Flag(required=True, about="Whether it opened the case, or joined one.")
    grade = Code(v.GRADES, required=True)
    reasons = _lines("Every line of the risk rules that ever fired, in their order.")
    escalated = Flag(required=True, about="Whether the grade rose by this report; a new case counts from blue.")

    example: ClassVar[Mapping[str, Any]] = {
        "report_key": "12338-20260302-0001",
        "report_id": "019cabd8-3f40-7e13-b2a4-8d6c0f9e1b57",
        "case_id": "019cabd8-3f40-7a51-9c0e-5b1d2f3a4c6e",
        "opens_case": True,
        "grade": "orange",
        "reasons": ["separation_control_injury", "factors_1_to_9", "violence_or_harassment"],
        "escalated": True,
    }


class Case(Form):
    """A case without any person. To whom it was referred, referral says; who helps, volunteer says."""

    id = _id()
    district = Text(6, required=True, pattern=_COUNTY, about="Of the report that opened the case, cut to the county.")
    opened_at = Moment(required=True)
    categories = _codes(v.CATEGORIES, "The union over all its reports; so are factors, wishes, channels and consents.")
    factors = _codes(v.FACTORS)
    wishes = _codes(v.WISHES)
    channels = _codes(v.CHANNELS)
    violence_channels = _codes(v.CHANNELS, "Channels of the reports in a violence category.")
    consents = _codes(v.AGENCIES, "Agencies that the client agreed to.")
    grade = Code(v.GRADES, required=True)
    reasons = _lines("Every line of the risk rules that ever fired, in their order.")
    immediate_danger = Flag(required=True)
    child_case = Flag(required=True)
    danger_case = Flag(required=True)
    counter_report = Flag(required=True, about="Its client is the accused of another case.")
    mediation_barred = Flag(required=True)
    mediation_bars = _lines("Every line of the risk rules that bars mediation, in their order.")
    other_sides = Items(
        _id(), 1_000, required=True, about="Cases whose client is the accused of this one, or the other way round."
    )

    example: ClassVar[Mapping[str, Any]] = {
        "id": "019cabd8-3f40-7a51-9c0e-5b1d2f3a4c6e",
        "district": "330302",
        "opened_at": "2026-03-02T01:14:00Z",
        "categories": ["domestic_violence"],
        "factors": ["controlling_or_jealous", "injury", "separated_or_trying"],
        "wishes": ["legal_aid", "protection_order"],
        "channels": ["hotline_12338"],
        "violence_channels": ["hotline_12338"],
        "consents": ["justice", "police"],
        "grade": "orange",
        "reasons": ["separation_control_injury", "factors_1_to_9", "violence_or_harassment"],
        "immediate_danger": False,
        "child_case": False,
        "danger_case": True,
        "counter_report": False,
        "mediation_barred": True,
        "mediation_bars": ["violence_category", "injury", "controlling_or_jealous"],
        "other_sides": [],
    }


class OpenedCase(Case):
    """A case; with what was reported, where its file was asked for."""

    reports = Items(Part(Report, required=True), 200, about="Only with `file=1`: the latest, as they were sent.")


class Cases(Form):
    """A page of cases, newest first."""

    cases = Items(Part(Case, required=True), 999, required=True)
    next = Text(36, required=True, allow_none=True, pattern=ID, about="Send it as `after`; null on the last page.")

    example: ClassVar[Mapping[str, Any]] = {"cases": [Case.example], "next": Case.example["id"]}


class Contact(Form):
    """How a client wished to be told."""

    channels = Items(Code(v.SAFE_CHANNELS, required=True), 10, required=True, about="In her order; none: not at all.")
    hours = Text(11, required=True, allow_none=True, pattern=HOURS, about="In China's time; null: any.")
    received_at = Moment(required=True, about="When the report came that brought this wish.")
    held = Code(("doubted",), required=True, allow_none=True, about="Why nothing may be sent until a person looks.")


class ContactList(Form):
    """What was asked for, in the same order; null where a client named no wish."""

    contacts = Items(Part(Contact), 1_000, required=True)

    example: ClassVar[Mapping[str, Any]] = {
        "contacts": [
            {"channels": ["wechat"], "hours": "09:00-16:00", "received_at": "2026-03-02T01:14:00Z", "held": None},
            None,
        ]
    }


class Address(Form):
    """Where a client may be reached now, or why she may not."""

    to = Text(32, required=True, allow_none=True, about="A telephone number.")
    why_not = Code(("no_address", "no_longer_safe"), required=True, allow_none=True)


class AddressList(Form):
    """What was asked for, in the same order."""

    items = Items(Part(Address, required=True), 500, required=True)

    example: ClassVar[Mapping[str, Any]] = {
        "items": [{"to": "13800000001", "why_not": None}, {"to": None, "why_not": "no_longer_safe"}]
    }


class ToldClient(Form):
    """The client, as far as it was asked for; null where nobody knows."""

    name = Text(100)
    sex = Code(SEXES)
    birth_date = Day()
    phone = Text(32, about="At which she may be reached; none that was given for the accused, too.")
    id_number = Text(32)
    address = Text(1_500)


class ToldAccused(Form):
    """The accused, as far as it was asked for; null where nobody knows."""

    name = Text(100)
    relation = Text(250)
    phone = Text(32, about="None that was given for the client, too.")
    id_number = Text(32)


class ToldContact(Form):
    """How she may be told, by her wish in force."""

    channels = Items(Code(v.SAFE_CHANNELS, required=True), 10, required=True, about="In her order; none: not at all.")
    hours = Text(11, required=True, allow_none=True, pattern=HOURS, about="In China's time; null: any.")
    voicemail = Flag(required=True, allow_none=True)
    received_at = Moment(required=True, about="When the report came that brought this wish: wishes age.")


class Told(Form):
    """What was asked for and nothing else. Of each field the latest that is known; whoever reported is not in it."""

    client = Part(ToldClient)
    accused = Part(ToldAccused)
    children = Items(Part(Child, required=True), 30)
    safe_contact = Part(ToldContact, about="Null where there is no wish, or where one may not be hers.")
    narrative = Text(
        1_000_100, lines=True, about="Of the latest reports; whoever reported and is not the client is blanked out."
    )


class Identity(Form):
    """The people in a case, or why they are not told."""

    told = Part(Told, required=True, allow_none=True, data_key="fields")
    why_not = Code(("no_consent", "case_unknown", "erased"), required=True, allow_none=True)


class Identities(Form):
    """What was asked for, in the same order."""

    items = Items(Part(Identity, required=True), 500, required=True)

    example: ClassVar[Mapping[str, Any]] = {
        "items": [
            {"fields": {"client": {"name": "王某", "phone": "13800000001"}}, "why_not": None},
            {"fields": None, "why_not": "no_consent"},
        ]
    }


class Consents(Form):
    """The consents of a case after a withdrawal."""

    case_id = _id()
    consents = _codes(v.AGENCIES, "Agencies to which she still agrees.")

    example: ClassVar[Mapping[str, Any]] = {"case_id": Case.example["id"], "consents": ["police"]}


class ErasedCase(Form):
    """That a case is erased. The same again is answered the same."""

    case_id = _id()
    erased_at = Moment(required=True)
    reason = Code(v.ERASURE_REASONS, required=True)

    example: ClassVar[Mapping[str, Any]] = {
        "case_id": Case.example["id"],
        "erased_at": "2026-03-30T03:00:00Z",
        "reason": "requested_by_client",
    }
