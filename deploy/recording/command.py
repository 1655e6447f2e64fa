"""What services were told to do, worked out from what they wrote down about it."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Final

import msgspec

from deploy.city import INVENTED
from deploy.recording.entry import Entry
from services.intake import command
from services.intake.case import Kept
from services.intake.consent import WITHDRAW
from services.intake.contact import Contact
from services.intake.disclosure import DISCLOSE, IDENTIFY, OPEN_FILE
from services.volunteer.volunteer import registration
from shared.kernel import Message
from shared.replay.recording import Command

RECEIVED: Final = "report.received"
REGISTERED: Final = "volunteer.registered"


class Commands:
    """Goes through the journals in their order."""

    def __init__(self) -> None:
        #: By case: how its client wishes to be told.
        self._contacts: dict[str, Contact] = {}
        self._readers: Mapping[str, Callable[[Entry], Message]] = {
            RECEIVED: self._received,
            "identity.disclosed": self._disclosed,
            "consent.withdrawn": _withdrawn,
            REGISTERED: _registered,
            "notice.sent": _sent,
            "notice.failed": _failed,
        }

    def of(self, entry: Entry) -> Command | None:
        """Return the command that brought an entry about, with the people as they are; None where none did.

        Of feed's there are none: they hold secrets of the agencies. Of an erasure there is none either: it would be
        of a case that nobody can read.
        """
        reader = next((read for type_, read in self._readers.items() if type_ in entry.types), None)
        return Command(to=entry.service, message=reader(entry)) if reader else None

    def _received(self, entry: Entry) -> Message:
        fact = entry.fact(RECEIVED)
        self._contacts[fact.case] = contact(fact.private)
        return replace(command.receive(fact.private["report"], INVENTED), id=entry.cause)

    def _disclosed(self, entry: Entry) -> Message:
        fact = entry.facts[0]
        data = {name: fact.data[name] for name in ("case_id", "purpose", "audience")}
        if "by" in fact.private:
            return _about_case(entry, OPEN_FILE, {**data, "by": fact.private["by"]})
        wish = self._contacts[fact.case].in_force
        if fact.data["audience"] == "client" and wish is not None:
            # Which of those that she named it was is not written down; each is granted alike.
            return _about_case(entry, DISCLOSE, {**data, "channel": wish.channels[0]})
        return _about_case(entry, IDENTIFY, dict(fact.data))


def contact(private: Mapping[str, Any]) -> Contact:
    """Return how a client wished to be told after a report, from what is sealed of it."""
    return msgspec.convert(private["kept"], Kept).private.contact


def _withdrawn(entry: Entry) -> Message:
    fact = entry.facts[0]
    asked = {"case_id": fact.case, "agencies": fact.data["agencies"], "by": fact.private["by"]}
    return _about_case(entry, WITHDRAW, asked)


def _registered(entry: Entry) -> Message:
    return registration(entry.cause, entry.time, entry.facts[0].private["record"], INVENTED)


def _sent(entry: Entry) -> Message:
    return _about_case(entry, "mark_sent", {"notice_id": entry.facts[0].data["notice_id"]})


def _failed(entry: Entry) -> Message:
    data = entry.facts[0].data
    return _about_case(entry, "mark_failed", {"notice_id": data["notice_id"], "reason": data["reason"]})


def _about_case(entry: Entry, type: str, data: dict[str, Any]) -> Message:
    return Message(id=entry.cause, type=type, time=entry.time, data=data, case=entry.facts[0].case)
