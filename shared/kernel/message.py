"""What a service is told (a message), and what it says has happened (a fact)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from shared.kernel.identifier import identifier


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """A command from outside or an event of another service: what a model decides on."""

    #: Unique; the same again means the same message. Event id, or a hash of what the sender chose.
    id: str
    type: str
    #: When it happened (UTC). The only "now" that a decision knows.
    time: datetime
    data: Mapping[str, Any]
    #: Service whose event it is; empty for a command.
    source: str = ""
    #: What it is about, for instance a case id.
    subject: str = ""
    #: The case it belongs to; events of one case keep their order. Empty when it belongs to none.
    case: str = ""
    #: Place in the gapless numbering of `source`; for a command the number that its first fact will have.
    sequence: int = 0

    def identifier(self, *what: str) -> str:
        """Return the id of the thing called `what` that this message brings about."""
        return identifier(self.time, self.id, *what)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """Something that a decision says has happened; the journal numbers and stores it as an event."""

    #: Name in the event catalogue.
    type: str
    subject: str
    case: str
    time: datetime
    #: Public: goes on the bus. JSON types only (texts, numbers, booleans, null, lists, objects).
    data: Mapping[str, Any]
    #: Sealed with the key of the case (of the subject where there is no case); never leaves the service.
    private: Mapping[str, Any] = field(default_factory=dict)
