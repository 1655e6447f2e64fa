"""One numbered message to one agency."""

from datetime import datetime
from typing import Any, Final

from msgspec import Struct, field

#: A recall, as the agency sees it.
RECALLED: Final = "delivery.recalled"
#: What an agency reads in the place of something that it may no longer read.
WITHHELD: Final = "delivery.withheld"
#: Says that all is well and nothing happened; has no number.
HEARTBEAT: Final = "feed.heartbeat"

#: Wide enough that the order of the ids is the order of the numbers.
_DIGITS: Final = 12


def delivery_id(agency: str, number: int) -> str:
    """Return the id under which the delivery of this number is stored."""
    return f"{agency}.{number:0{_DIGITS}d}"


class Delivery(Struct, frozen=True, kw_only=True):
    """What an agency got, or gets, under one number; the same over all ways."""

    #: `delivery_id` of agency and number.
    id: str
    agency: str
    number: int
    #: Of the event as the agency sees it; a replay has that of the first delivery.
    event_id: str
    type: str
    version: int
    #: When what it tells happened (UTC).
    time: datetime
    #: What it is about; empty where the agency may not know.
    subject: str = ""
    #: "empty", "id" or "fields".
    form: str
    #: Of the event, all that an agreement may choose from.
    data: dict[str, Any] = field(default_factory=dict)
    #: What the agreement chose, by dotted names.
    fields: tuple[str, ...] = ()
    purpose: str = ""
    basis: str = ""
    case_id: str = ""
    referral_id: str = ""
    #: What of the people in the case may be fetched, as long as it is allowed.
    identity: tuple[str, ...] = ()
    #: "" not to be sealed, "wanted", "done", or why it was withheld.
    seal: str = ""
    #: Why identity can no longer be fetched; empty where it can.
    closed: str = ""
    replay_of: int = 0
    #: Numbers that this one recalls, and why.
    recalls: tuple[int, ...] = ()
    why: str = ""
    #: When each step was receipted.
    receipts: dict[str, datetime] = field(default_factory=dict)
    #: SHA-256 of what went out as data, in hexadecimal digits.
    digest: str = ""


class Copies(Struct, frozen=True, kw_only=True):
    """The identity of one case, sealed to the keys of agencies that cannot ask for it."""

    #: Of the case.
    id: str
    #: She was erased: nothing is delivered about this case any more.
    erased: bool = False
    #: JWE by the id of the delivery.
    private: dict[str, str] = field(default_factory=dict)
