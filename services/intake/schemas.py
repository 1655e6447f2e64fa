"""What comes in: a report as a hotline operator, a school or a police push sends it."""

from shared.events import vocabulary as v
from shared.runtime.form import Code, Count, Day, Flag, Form, Items, Moment, Part, Text

DISTRICT = r"\d{2}|\d{4}|\d{6}|\d{9}|\d{12}|\d{14}"
PHONE = r"[0-9+() /-]{3,32}"
ID_NUMBER = r"[0-9A-Za-z()-]{4,32}"
HOURS = r"([01]\d|2[0-3]):[0-5]\d-(([01]\d|2[0-3]):[0-5]\d|24:00)"
SEXES = ("female", "male")


def _phone() -> Text:
    return Text(32, pattern=PHONE, what="a telephone number")


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

    report_key = Text(128, required=True)
    channel = Code(v.CHANNELS, required=True)
    received_at = Moment(required=True)
    district = Text(14, required=True, pattern=DISTRICT, what="2, 4, 6, 9, 12 or 14 digits (GB/T 2260)")
    reporter = Part(Reporter)
    client = Part(Client)
    accused = Part(Accused)
    children = Items(Part(Child, required=True), 30)
    category = Code(v.CATEGORIES)
    narrative = Text(20_000, lines=True, required=True)
    immediate_danger = Flag()
    risk_factors = Items(Code(v.FACTORS, required=True), len(v.FACTORS) * 2)
    consent = Part(Consent)
    safe_contact = Part(SafeContact)
    wishes = Items(Code(v.WISHES, required=True), len(v.WISHES) * 2)


#: For what a caseworker may open a file.
FILE_PURPOSES = ("casework", "supervision", "merge_check")
CASE_ID = r"[0-9a-f-]{36}"


class CaseQuery(Form):
    """Which cases to list. Numbers come as text, because they stand in an address."""

    grade = Code(v.GRADES)
    category = Code(v.CATEGORIES)
    district = Text(6, pattern=r"\d{2}|\d{4}|\d{6}", what="2, 4 or 6 digits")
    child_case = Code(("true", "false"))
    after = Text(36, pattern=CASE_ID, what="the id of a case, as `next` gave it")
    limit = Text(3, pattern=r"[1-9]\d{0,2}", what="a number from 1 to 999")


class Contacts(Form):
    """Receipts of reports (the causes of their events) after which the contact is asked for."""

    receipts = Items(Text(64, required=True), 1_000, required=True)


class Disclosure(Form):
    """One thing that is to be disclosed."""

    case_id = Text(36, required=True, pattern=CASE_ID, what="the id of a case")
    purpose = Code(("client_notice",), required=True)
    audience = Code(("client",), required=True)
    channel = Code(v.SAFE_CHANNELS, required=True)


class Disclosures(Form):
    """Many disclosures at once."""

    items = Items(Part(Disclosure, required=True), 500, required=True)
