"""Whether and how the client is told: decided on the preference that intake disclosed."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final

from msgspec import Struct

from services.notification.hours import are_open

#: A preference older than this is no longer trusted.
FRESH_FOR: Final = timedelta(days=90)


class Status(StrEnum):
    """Where a notice stands."""

    QUEUED = "queued"
    HELD = "held"
    SENT = "sent"
    FAILED = "failed"


class Notice(Struct, frozen=True, kw_only=True):
    """One message to a client."""

    id: str
    case_id: str
    status: Status
    #: None where it is held.
    channel: str | None
    #: Which of the neutral wordings.
    wording: str
    #: Why it is held or has failed.
    reason: str | None = None


class Way(Struct, frozen=True, kw_only=True):
    """A channel that may be used now, or why none may be."""

    channel: str | None = None
    held_because: str | None = None


def way(contact: Mapping[str, Any] | None, now: datetime) -> Way:
    """Return how the client may be told at `now` (aware).

    `contact` is what intake disclosed: {"channels", "hours", "received_at", "held"}, or None where nobody named a
    way. What is not certainly safe is held for a person.
    """
    if contact is None:
        return Way(held_because="no_preference")
    if contact["held"]:
        return Way(held_because=contact["held"])
    if not contact["channels"]:
        return Way(held_because="no_channel")
    if now - datetime.fromisoformat(contact["received_at"]) > FRESH_FOR:
        return Way(held_because="preference_too_old")
    if not are_open(contact["hours"], now):
        return Way(held_because="outside_hours")
    return Way(channel=contact["channels"][0])
