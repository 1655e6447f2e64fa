"""What comes in: a report as a hotline operator, a school or a police push sends it."""

from collections.abc import Mapping
from typing import Any, ClassVar

from shared.events import vocabulary as v
from shared.runtime.field import Code, Count, Day, Flag, Items, Moment, Part, Text
from shared.runtime.form import MAX_FAULTS, Form, load
from shared.runtime.problem import Fault, Invalid

PHONE = r"[+() /-]*[0-9][0-9+() /-]{2,}"
ID_NUMBER = r"[0-9A-Za-z()-]{4,32}"
HOURS = r"([01][0-9]|2[0-3]):[0-5][0-9]-(([01][0-9]|2[0-3]):[0-5][0-9]|24:00)"
ID = r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"
SEXES = ("female", "male")


def _phone() -> Text:
    return Text(32, pattern=PHONE, what="a telephone number")


def _district(**options: Any) -> Text:
    return Text(14, pattern=v.DISTRICT_PATTERN, what="2, 4, 6, 9, 12 or 14 digits (GB/T 2260)", **options)


def _id_number() -> Text:
    return Text(32, pattern=ID_NUMBER, what="an identity number")


class Reporter(Form):
    """Who reports; the law keeps her secret."""

    role = Code(v.ROLES)
    name = Text(100)
    phone = _phone()
    organisation = Text(200)


class Client(Form):
    """The woman or child to be helped."""

    name = Text(100)
    sex = Code(SEXES)
    birth_date = Day()
    phone = _phone()
    id_number = _id_number()
    address = Text(300)


class Accused(Form):
    """The person whom she fears."""

    name = Text(100)
    relation = Text(50)
    phone = _phone()
    id_number = _id_number()


class Child(Form):
    """A child of the household."""

    age = Count(0, 120)
    sex = Code(SEXES)


class Consent(Form):
    """To which agencies she agreed."""

    agencies = Items(Code(v.AGENCIES, required=True), len(v.AGENCIES) * 2, required=True)
    given_at = Moment()


class SafeContact(Form):
    """How she may be reached without danger, channels in the order of her preference."""

    channels = Items(Code(v.SAFE_CHANNELS, required=True), 10)
    hours = Text(11, pattern=HOURS, what="hours of a day, as in 09:00-16:00")
    code_word = Text(50)
    voicemail = Flag()


class Report(Form):
    """One contact through one channel."""

    report_key = Text(128, required=True, about="Chosen by the sender. The same key and content again is one report.")
    channel = Code(v.CHANNELS, required=True)
    received_at = Moment(required=True, about="When the contact was made, with its offset.")
    district = _district(required=True)
    reporter = Part(Reporter)
    client = Part(Client)
    accused = Part(Accused)
    children = Items(Part(Child, required=True), 30)
    category = Code(v.CATEGORIES)
    narrative = Text(20_000, lines=True, required=True, about="In the words of who reports; may have several lines.")
    immediate_danger = Flag()
    risk_factors = Items(Code(v.FACTORS, required=True), len(v.FACTORS) * 2)
    consent = Part(Consent)
    safe_contact = Part(SafeContact)
    wishes = Items(Code(v.WISHES, required=True), len(v.WISHES) * 2)

    example: ClassVar[Mapping[str, Any]] = {
        "report_key": "12338-20260302-0001",
        "channel": "hotline_12338",
        "received_at": "2026-03-02T09:14:00+08:00",
        "district": "330302004012",
        "reporter": {"role": "self", "name": "王某", "phone": "13800000001"},
        "client": {"name": "王某", "sex": "female", "birth_date": "1991-05-02", "phone": "13800000001"},
        "accused": {"name": "李某", "relation": "husband", "phone": "13800000002"},
        "children": [{"age": 6, "sex": "male"}],
        "category": "domestic_violence",
        "narrative": "来电人称昨晚又被打伤，想申请人身安全保护令。",
        "immediate_danger": False,
        "risk_factors": ["injury", "controlling_or_jealous", "separated_or_trying"],
        "consent": {"agencies": ["police", "justice"], "given_at": "2026-03-02T09:20:00+08:00"},
        "safe_contact": {"channels": ["wechat"], "hours": "09:00-16:00", "code_word": "图书馆", "voicemail": False},
        "wishes": ["legal_aid", "protection_order"],
    }


#: For what a caseworker may open a file.
FILE_PURPOSES = ("casework", "supervision", "merge_check", "evidence")


class CaseQuery(Form):
    """Which cases to list. Numbers come as text, because they stand in an address."""

    grade = Code(v.GRADES)
    category = Code(v.CATEGORIES)
    district = _district(about="Only cases in this place. 2, 4, 6, 9, 12 or 14 digits.")
    child_case = Code(("true", "false"))
    after = Text(36, pattern=ID, what="the id of a case, as `next` gave it")
    limit = Text(
        3,
        pattern=r"[1-9][0-9]{0,2}",
        what="a number from 1 to 999",
        about="Cases on a page, up to 999; 50 if not given.",
    )


class CaseView(Form):
    """How much of a case to show."""

    file = Code(("1", "0"), about="1: also what was reported. Written down each time.")
    purpose = Code(FILE_PURPOSES, about="For what the file is opened; needed where it is.")


class Contacts(Form):
    """Receipts of reports (the causes of their events) after which the contact is asked for."""

    receipts = Items(Text(64, required=True), 1_000, required=True)


class Disclosure(Form):
    """One thing that is to be disclosed."""

    case_id = Text(36, required=True, pattern=ID, what="the id of a case")
    purpose = Code(("client_notice",), required=True)
    audience = Code(("client",), required=True)
    channel = Code(v.SAFE_CHANNELS, required=True)


class Disclosures(Form):
    """Many disclosures at once."""

    items = Items(Part(Disclosure, required=True), 500, required=True)


class IdentityRequest(Form):
    """Who the people in a case are, for one agency and one purpose."""

    case_id = Text(36, required=True, pattern=ID, what="the id of a case")
    audience = Code(v.AGENCIES, required=True)
    purpose = Text(64, required=True, pattern=r"[a-z][a-z0-9]*(_[a-z0-9]+)*", what="a code such as legal_aid")
    basis = Code(v.BASES, required=True, about="With `consent`, the client must have agreed to this agency until now.")
    # `fields` is a word that marshmallow keeps for itself.
    wanted = Items(
        Code(v.IDENTITY_FIELDS, required=True),
        len(v.IDENTITY_FIELDS),
        required=True,
        data_key="fields",
        about="At least one. The narrative leaves only for duty or life.",
    )


class IdentityRequests(Form):
    """Many at once."""

    items = Items(Part(IdentityRequest, required=True), 500, required=True)

    example: ClassVar[Mapping[str, Any]] = {
        "items": [
            {
                "case_id": "019cabd8-3f40-7a51-9c0e-5b1d2f3a4c6e",
                "audience": "justice",
                "purpose": "legal_aid",
                "basis": "consent",
                "fields": ["client.name", "client.phone"],
            }
        ]
    }


def identity_requests(data: object) -> list[dict[str, Any]]:
    """Return the items of `IdentityRequests`, each with its fields once, in the order of the vocabulary.

    Raises:
        Invalid: names what is wrong.
    """
    items: list[dict[str, Any]] = load(_identity_requests, data)["items"]
    faults = [Fault(f"items.{n}.fields", why) for n, item in enumerate(items) if (why := _why_not(item))]
    if faults:
        raise Invalid(faults[:MAX_FAULTS])
    for item in items:
        named = set(item.pop("wanted"))
        item["fields"] = [field for field in v.IDENTITY_FIELDS if field in named]
    return items


def _why_not(item: Mapping[str, Any]) -> str:
    if not item["wanted"]:
        return "must name at least one field"
    if v.NARRATIVE in item["wanted"] and item["basis"] not in v.WITHOUT_CONSENT:
        return f"{v.NARRATIVE} leaves only on the basis of duty or life; leave it out"
    return ""


_identity_requests = IdentityRequests()


class Withdrawal(Form):
    """From which agencies the client takes her consent back."""

    agencies = Items(Code(v.AGENCIES, required=True), len(v.AGENCIES), required=True)

    example: ClassVar[Mapping[str, Any]] = {"agencies": ["justice"]}


class ErasureOrder(Form):
    """Why a case is to be erased, for good."""

    reason = Code(v.ERASURE_REASONS, required=True)

    example: ClassVar[Mapping[str, Any]] = {"reason": "requested_by_client"}
