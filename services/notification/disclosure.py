"""What notification asks intake: never kept, asked again each time."""

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct

from shared.events import Event
from shared.runtime.colleague import Colleague
from shared.runtime.settings import Settings


class Address(Struct, frozen=True, kw_only=True):
    """Where a client may be reached; never kept."""

    to: str | None
    #: Code of why there is none: her wishes of this moment, or nobody knows where.
    why_not: str | None


class Intake:
    """Intake, as notification knows it."""

    def __init__(self, settings: Settings) -> None:
        self._intake = Colleague("intake", settings.intake_url, asker="notification", key=settings.key("token"))

    def contacts(self, events: Sequence[Event]) -> dict[str, Mapping[str, Any]]:
        """Return how clients wished to be told after each report, by the id of its event.

        Raises:
            Unavailable: intake does not answer.
            Misunderstood: an event names something that intake cannot have given.
        """
        answer = self._intake.post("/contacts", {"receipts": [event.causation for event in events]})
        found = zip(events, answer["contacts"], strict=True)
        return {event.id: {"contact": contact} for event, contact in found}

    def addresses(self, items: Sequence[Mapping[str, Any]]) -> list[Address]:
        """Return where each client may be reached now, or why she may not.

        Args:
            items: {"case_id", "channel"} of each notice.

        Raises:
            Unavailable: intake does not answer.
        """
        asked = [{**item, "purpose": "client_notice", "audience": "client"} for item in items]
        return [Address(**item) for item in self._intake.post("/disclosures", {"items": asked})["items"]]
