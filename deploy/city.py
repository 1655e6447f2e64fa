"""The whole house in one process and in virtual time: all services wired, and the edge at which it is told things."""

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, cast

import orjson

from services.feed.model import FeedModel
from services.feed.shareable import shareable
from services.intake import command
from services.intake.case import Case
from services.intake.contact import disclosed
from services.intake.model import IntakeModel
from services.intake.persons import Blind
from services.notification.model import NotificationModel
from services.referral.model import ReferralModel
from services.volunteer.model import VolunteerModel
from services.volunteer.volunteer import registration
from shared.events import CATALOGUE, Catalogue, Event
from shared.kernel import Message, Model
from shared.privacy import BlindIndex
from shared.replay.city import City, Enrich
from shared.replay.recording import Command
from shared.replay.voice import Keep

#: Tokens of invented people need no secret, and must be the same every time.
INVENTED: Final = BlindIndex(bytes(32))
#: When volunteers came into the register of whom nobody says when: before anything happened.
REGISTERED_AT: Final = datetime(2025, 1, 1, tzinfo=UTC)


def models(rules: Path | None = None) -> dict[str, Model]:
    """Return a fresh model of each service, by its name.

    Args:
        rules: folder whose rule files replace the shipped ones.
    """
    return {
        "intake": IntakeModel(rules),
        "referral": ReferralModel(rules),
        "volunteer": VolunteerModel(rules),
        "notification": NotificationModel(),
        "feed": FeedModel(shareable()),
    }


def whole_city(rules: Path | None = None, *, catalogue: Catalogue = CATALOGUE, keep: Keep | None = None) -> City:
    """Return all services, wired; what one's shell asks of another is answered.

    Args:
        rules: folder whose rule files replace the shipped ones.
        catalogue: of the events.
        keep: is called with the name of a service and the facts of each message.
    """
    city = City(*models(rules).values(), catalogue=catalogue, keep=keep)
    city.enrich["notification"] = contacts(city)
    return city


def contacts(city: City) -> Enrich:
    """Return what notification is told of each report: how its client wishes to be told, as of that moment."""
    shelf = city.voices["intake"].shelf

    def contact(event: Event) -> Mapping[str, Any] | None:
        if event.type != "report.received":
            return None
        case = cast(Case, shelf.get("case", event.correlation))
        return {"contact": disclosed(case.private.contact)}

    return contact


def told_report(report: Mapping[str, Any], blind: Blind = INVENTED) -> Command:
    """Return what intake is told when a report comes in."""
    return Command(to="intake", message=command.receive(report, blind))


def told_volunteer(record: Mapping[str, Any], blind: Blind = INVENTED, at: datetime = REGISTERED_AT) -> Command:
    """Return what volunteer is told when a volunteer is registered, or her record changes."""
    content = orjson.dumps(record, option=orjson.OPT_SORT_KEYS).decode()
    return Command(to="volunteer", message=registration(f"volunteer:{blind('content', content)}", at, record, blind))


def told_about_case(type: str, case_id: str, at: datetime, **data: Any) -> Command:
    """Return what intake is told about a case: `withdraw_consent`, `erase` and the like."""
    content = {"case_id": case_id, **data}
    named = orjson.dumps([type, at, content], option=orjson.OPT_SORT_KEYS).decode()
    message = Message(id=f"{type}:{INVENTED('command', named)}", type=type, time=at, data=content, case=case_id)
    return Command(to="intake", message=message)
