"""What operators send in (agencies, their keys and their state), and what agencies ask for."""

from collections.abc import Mapping
from typing import Any, ClassVar

from shared.events.vocabulary import RECEIPTS
from shared.runtime.field import Code, Count, Flag, Items, Moment, Object, Text
from shared.runtime.form import Form

#: At most six digits, so that no telephone number is one.
NAME = r"(?!([^0-9]*[0-9]){7})[a-z][a-z0-9-]{0,30}"
#: Of a case the bus knows no more than the county.
DISTRICT = r"[0-9]{2}([0-9]{2}([0-9]{2})?)?"
#: The lowest and the highest number that a delivery can have.
NUMBER = (1, 10**12)


class AgencyForm(Form):
    """An agency that is to receive."""

    name = Text(31, required=True, pattern=NAME, what="small letters, digits and dashes, as in wenzhou-police")
    agreement = Object(required=True, about="As its YAML file says it.")
    districts = Items(
        Text(6, required=True, pattern=DISTRICT, what="2, 4 or 6 digits (GB/T 2260): province, city or county"),
        200,
        required=True,
    )
    webhook = Text(2_000, about="Where the agency is called.")
    public_key = Object(about="A JWK: identity travels sealed to it, for an agency that cannot ask for it.")
    sandbox = Flag(about="It gets invented events only.")
    stream = Flag(about="It gets a stream at the broker; so unless this is false.")
    federation = Text(255, about="Name of its own broker (cluster), which may link to its exchange.")

    example: ClassVar[Mapping[str, Any]] = {
        "name": "wenzhou-police",
        "agreement": {
            "agency": "police",
            "version": 1,
            "title": {"zh": "公安机关", "en": "Police"},
            "valid": {"from": "2026-01-01", "until": "2030-12-31"},
            "grants": [
                {
                    "event": "risk.escalated",
                    "purpose": "danger",
                    "basis": "life",
                    "form": "id",
                    "where": {"grade": "red"},
                }
            ],
        },
        "districts": ["3303"],
        "webhook": "https://police.example.cn/niangjia",
    }


class Suspension(Form):
    """Whether an agency may receive and read."""

    suspended = Flag(required=True)

    example: ClassVar[Mapping[str, Any]] = {"suspended": True}


class Rekeying(Form):
    """New keys for an agency."""

    now = Flag(about="The old ones end at once; otherwise they count for 24 hours more.")

    example: ClassVar[Mapping[str, Any]] = {"now": False}


class Calling(Form):
    """A webhook that was given up is called again."""

    enabled = Flag(required=True)

    example: ClassVar[Mapping[str, Any]] = {"enabled": True}


class Span(Form):
    """What is to be delivered again: from a number (to another), or what happened since a time."""

    from_ = Count(*NUMBER, data_key="from")
    to = Count(*NUMBER)
    since = Moment()

    example: ClassVar[Mapping[str, Any]] = {"from": 17, "to": 40}


class InventedEvent(Form):
    """An event that never happened, for a sandbox."""

    type = Text(100, required=True, pattern=r"[a-z_]+\.[a-z_]+", what="the name of an event")
    subject = Text(36, required=True, pattern=r"[0-9a-z-]{2,36}", what="the id of what it is about")
    case = Text(36, required=True, pattern=r"[0-9a-z-]{2,36}", what="the id of a case")
    data = Object(required=True, about="As the catalogue has it; what no agreement may name need not be there.")

    example: ClassVar[Mapping[str, Any]] = {
        "type": "risk.escalated",
        "subject": "019cabd8-3f40-7a51-9c0e-5b1d2f3a4c6e",
        "case": "019cabd8-3f40-7a51-9c0e-5b1d2f3a4c6e",
        "data": {"case_id": "019cabd8-3f40-7a51-9c0e-5b1d2f3a4c6e", "district": "330302", "grade": "red"},
    }


class RecordQuery(Form):
    """Which deliveries are shown."""

    case_id = Text(64, pattern=r"[0-9a-f-]{36}", what="the id of a case")
    after = Text(13, pattern=r"[0-9]{1,13}", what="a number")
    limit = Text(4, pattern=r"[1-9][0-9]{0,2}", what="a number from 1 to 999")

    example: ClassVar[Mapping[str, Any]] = {"case_id": "019cabd8-3f40-7a51-9c0e-5b1d2f3a4c6e", "after": "0"}


class EventQuery(Form):
    """Where to go on. Numbers come as text, because they stand in an address."""

    after = Text(13, pattern=r"[0-9]{1,13}", what="a number", about="The last number that the agency has; none: 0.")
    since = Moment(about="Instead of it: from the first that tells of something which happened then or later.")
    limit = Text(4, pattern=r"[1-9][0-9]{0,2}|1000", what="a number from 1 to 1000", about="100 unless given.")

    example: ClassVar[Mapping[str, Any]] = {"after": "17", "limit": "500"}


class StreamQuery(Form):
    """Where to go on; the header `Last-Event-ID` counts more."""

    after = Text(13, pattern=r"[0-9]{1,13}", what="a number", about="The last number that the agency has; none: 0.")

    example: ClassVar[Mapping[str, Any]] = {"after": "17"}


class ReceiptForm(Form):
    """What an agency says of a delivery."""

    number = Count(*NUMBER, required=True)
    receipt = Code(RECEIPTS, required=True)

    example: ClassVar[Mapping[str, Any]] = {"number": 17, "receipt": "received"}
