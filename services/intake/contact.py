"""How the client may be told: which of the preferences that were named is in force.

Her own counts before one that a professional passed on; one from anybody else does not count at all. What comes by a
channel on which nobody asks for the code word may come from the person she fears: where it differs from what is in
force it changes nothing, and everything is held until she names one by voice or a person confirms it.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from services.intake.report import Report
from shared.events.vocabulary import WRITTEN_CHANNELS
from shared.rules import iso


class Preference(Struct, frozen=True, kw_only=True):
    """How somebody said that the client may be told."""

    #: In her order; none means: not at all.
    channels: tuple[str, ...]
    #: "HH:MM-HH:MM" in China's time; any time where none are named.
    hours: str | None
    code_word: str | None
    voicemail: bool | None
    #: When the report that brought it (last) was received.
    received_at: datetime

    def says_the_same(self, other: "Preference") -> bool:
        """Return whether no field differs; the age is not one of them."""
        return replace(self, received_at=other.received_at) == other


class Contact(Struct, frozen=True, kw_only=True):
    """All that is known of how the client may be told."""

    own: Preference | None = None
    professional: Preference | None = None
    #: When something came that may not be hers; everything is held since.
    doubted_at: datetime | None = None

    @property
    def in_force(self) -> Preference | None:
        """Her own preference, else the professional's, however old."""
        return self.own or self.professional


def told(contact: Contact, report: Report) -> Contact:
    """Return what is known after a report."""
    if report.safe_contact is None:
        return contact
    preference = _preference(report.safe_contact, report.received_at)
    if report.role == "self":
        return _told_by_herself(contact, preference, report)
    if report.is_by_professional and not _is_older(preference, contact.professional):
        return replace(contact, professional=preference)
    return contact


def disclosed(contact: Contact) -> dict[str, Any] | None:
    """Return what the notification service may know of it, or None where there is no preference."""
    preference = contact.in_force
    if preference is None:
        return None
    return {
        "channels": list(preference.channels),
        "hours": preference.hours,
        "received_at": iso(preference.received_at),
        "held": "doubted" if contact.doubted_at else None,
    }


def _told_by_herself(contact: Contact, preference: Preference, report: Report) -> Contact:
    if _is_older(preference, contact.own):
        return contact
    by_voice = report.channel not in WRITTEN_CHANNELS
    certain = by_voice and bool(report.client.names)
    if not certain and contact.in_force and not preference.says_the_same(contact.in_force):
        return replace(contact, doubted_at=preference.received_at)
    lifted = certain and contact.doubted_at is not None and preference.received_at >= contact.doubted_at
    return replace(contact, own=preference, doubted_at=None if lifted else contact.doubted_at)


def _is_older(preference: Preference, known: Preference | None) -> bool:
    # A report that arrives late does not undo what was named after it.
    return known is not None and preference.received_at < known.received_at


def _preference(named: Mapping[str, Any], received_at: datetime) -> Preference:
    return Preference(
        channels=tuple(named.get("channels") or ()),
        hours=named.get("hours"),
        code_word=named.get("code_word"),
        voicemail=named.get("voicemail"),
        received_at=received_at,
    )
