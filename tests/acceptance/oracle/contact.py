"""How the client may be told."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from tests.acceptance.oracle.report import CHINA, Report

HELD = "held"
FRESH_FOR = timedelta(days=90)
#: Channels on which nobody asks for the code word.
WRITTEN = {"web_mailbox", "wechat", "letter"}


@dataclass(frozen=True, kw_only=True)
class Preference:
    """What somebody said about how to reach her."""

    #: Channels, hours, code word and voicemail; what is not said is not in it.
    said: Mapping[str, Any]
    time: datetime


@dataclass
class Contact:
    """The preferences that a case knows."""

    own: Preference | None = None
    professional: Preference | None = None
    #: Something came that may not be hers.
    is_doubted: bool = False

    def hear(self, report: Report) -> None:
        """Take in the preference of a report, if it brings one that counts."""
        if report.safe_contact is None:
            return
        preference = Preference(said=_said(report.safe_contact), time=report.time)
        if report.role == "self":
            self._hear_her(preference, certain=report.channel not in WRITTEN and bool(report.client.names))
        elif report.is_professional:
            self.professional = preference

    def _hear_her(self, preference: Preference, *, certain: bool) -> None:
        in_force = self.own or self.professional
        if certain:
            self.own, self.is_doubted = preference, False
        elif in_force is None or preference.said == in_force.said:
            self.own = preference
        else:
            self.is_doubted = True

    def channel(self, now: datetime) -> str:
        """Return the channel by which she may be told now, or that it is held."""
        in_force = self.own or self.professional
        if in_force is None or self.is_doubted or now - in_force.time > FRESH_FOR:
            return HELD
        if "channels" not in in_force.said or not _is_within(in_force.said.get("hours"), now):
            return HELD
        return str(in_force.said["channels"][0])


def _said(safe_contact: Mapping[str, Any]) -> dict[str, Any]:
    """Leave out what is null, and channels where none is named; a plain no to voicemail is said."""
    return {name: value for name, value in safe_contact.items() if value is not None and value != []}


def _is_within(hours: str | None, now: datetime) -> bool:
    """Tell whether it is in her hours; the end is outside, and equal ends leave nothing."""
    if hours is None:
        return True
    start, end = hours.split("-")
    clock = f"{now.astimezone(CHINA):%H:%M}"
    if start <= end:
        return start <= clock < end
    return clock >= start or clock < end
