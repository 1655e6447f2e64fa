"""Another replica of feed, driven by a test: it commits what the process under test has to publish."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from itertools import count
from typing import Any
from uuid import uuid4

from services.feed.agency import Agency
from services.feed.cursor import Cursors
from services.feed.delivery import Delivery
from services.feed.model import FeedModel
from services.feed.shareable import shareable
from shared.events import event_type
from shared.kernel import Message
from shared.privacy import Key
from shared.runtime.committer import Committer
from shared.runtime.keyring import KeyRing
from shared.runtime.parking import Parking
from shared.runtime.ticket import Ticket
from shared.runtime.unit import Unit
from tests.support.system import System

#: In an example of the catalogue, so that it lies where the agencies of the tests are.
DISTRICT = "330302"


class Replica:
    """Commits to the database of a system's feed."""

    def __init__(self, system: System) -> None:
        database = system.database("feed")
        model = FeedModel(shareable())
        keys = KeyRing(database, "feed", Key(system.settings("feed").key("master")))
        self.unit = Unit(database, model, keys, Parking(database, (1,)))
        self.cursors = Cursors(database)
        self._committer = Committer(self.unit)
        self._numbers = count(1)

    def hear(self, amount: int = 1, type: str = "referral.requested", case: str = "", **changes: Any) -> None:
        """Hear an example of the catalogue so often, each time of another case unless one is given."""
        self._commit([self._event(type, case or str(uuid4()), changes) for _ in range(amount)])

    def do(self, type: str, **data: Any) -> None:
        """Carry out a command."""
        self._commit([Message(id=str(uuid4()), type=type, time=datetime.now(UTC), data=data)])

    def deliveries(self, agency: str) -> list[Delivery]:
        """Return what an agency is to get."""
        wanted = {"_id": {"$gt": f"{agency}.", "$lt": f"{agency}.~"}}
        found: list[Delivery] = self.unit.states.find("delivery", wanted, 100_000, oldest_first=True)
        return found

    def agency(self, name: str) -> Agency:
        found: Agency = self.unit.states.find_one("agency", name)
        return found

    def _event(self, type: str, case: str, changes: Mapping[str, Any]) -> Message:
        example = event_type(type).example
        own = {"case_id": case, "referral_id": str(uuid4())} if "referral_id" in example else {"case_id": case}
        return Message(
            id=f"event {next(self._numbers)} {uuid4()}",
            type=type,
            time=datetime.now(UTC),
            data={**example, **own, **changes},
            source="/intake",
            subject=case,
            case=case,
        )

    def _commit(self, messages: Sequence[Message]) -> None:
        for at in range(0, len(messages), 100):
            tickets = [Ticket(message=message) for message in messages[at : at + 100]]
            self._committer.commit(tickets)
            for ticket in tickets:
                if ticket.error:
                    raise ticket.error
