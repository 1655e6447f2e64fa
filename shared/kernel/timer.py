"""Something that must be looked at when its time has come."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

_TYPE = re.compile(r"[a-z][a-z0-9_]*\.[a-z][a-z0-9_]*")
#: Of an id that may travel in a header.
_ID = re.compile(r"[\x21-\x7e]{1,255}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Timer:
    """A message that a service sends itself at a later time. Setting a timer again replaces it.

    Raises:
        ValueError: type, subject or case cannot be those of a message.
    """

    #: Of the service's own choice, for instance "reminder <referral id>".
    id: str
    #: When (UTC); the time of the message, however late it is looked at. None takes the timer away.
    due_at: datetime | None
    #: Of the message, formed like the name of an event: "deadline.passed".
    type: str
    #: What it is about, for instance a referral id.
    subject: str
    #: The case it belongs to, or empty. Timers of a case are looked at one after the other.
    case: str = ""
    #: Stored and shown in the clear: codes, ids, times; never a person.
    data: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not _TYPE.fullmatch(self.type) or not all(map(_ID.fullmatch, (self.subject, self.case or "-"))):
            raise ValueError("a timer needs a type like deadline.passed, and ids that are ids")
