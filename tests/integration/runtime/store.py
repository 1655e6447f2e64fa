"""What a unit of work holds of the database, without its greenlets: one process of a service, as a test drives it."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from pymongo.database import Database

from shared.events import Event
from shared.kernel import Model
from shared.kernel.message import Message
from shared.privacy import Key
from shared.runtime.batch import Batch
from shared.runtime.committer import Committer
from shared.runtime.database import Document
from shared.runtime.journal import check_chain
from shared.runtime.keyring import KeyRing
from shared.runtime.parking import Parking, parked_event
from shared.runtime.ticket import Ticket
from shared.runtime.unit import Unit
from shared.runtime.work import _message, _ticket

CONSUMER = "referral.from.intake"


class Store:
    """Commits for a model into a database; several of them on one database are several replicas."""

    def __init__(self, database: Database[Document], model: Model, delays: Sequence[float] = (10, 20)) -> None:
        self.database = database
        self.model: Any = model
        self.keys = KeyRing(database, model.name, Key(bytes(32)))
        self.parking = Parking(database, delays)
        self.unit = Unit(database, model, self.keys, self.parking)
        self.committer = Committer(self.unit)

    def prepare(self) -> "Store":
        """Make the indexes."""
        self.unit.prepare()
        self.parking.prepare()
        return self

    def do(self, *messages: Message) -> list[Ticket]:
        """Commit commands in one batch."""
        return self._commit([Ticket(message=message) for message in messages])

    def take(self, *events: Event, again: bool = False) -> list[Ticket]:
        """Commit events in one batch."""
        batch = Batch(consumer=CONSUMER, events=events, again=again)
        return self._commit([_ticket(event, batch, None) for event in events])

    def retry(self, now: datetime) -> list[Ticket]:
        """Try what is parked and due at `now`, once for each case."""
        return self.take(*(parked_event(row) for row in self.parking.due(CONSUMER, now, 100)), again=True)

    def fire(self, now: datetime | None = None) -> list[Ticket]:
        """Act on the timers that are due."""
        return self.act_on(self.unit.timers.due(now, 100))

    def act_on(self, rows: Sequence[Document]) -> list[Ticket]:
        """Act on timers that were found."""
        return self._commit(self.timer_tickets(rows))

    def timer_tickets(self, rows: Sequence[Document]) -> list[Ticket]:
        """Return tickets for timers that were found."""
        timers = self.unit.timers
        tickets = []
        for row in rows:
            event = timers.event(row)
            message = _message(event, event.data)
            tickets.append(Ticket(message=message, consumer=timers.consumer, event=event, timer=row["_id"]))
        return tickets

    def retry_timers(self, now: datetime) -> list[Ticket]:
        """Try parked timers."""
        consumer = self.unit.timers.consumer
        events = [parked_event(row) for row in self.parking.due(consumer, now, 100)]
        return self._commit(
            [Ticket(message=_message(e, e.data), consumer=consumer, event=e, again=True) for e in events]
        )

    def taken(self, case_id: str) -> list[int]:
        """Return what was written down about a case."""
        row = self.database["diary"].find_one({"_id": case_id})
        return row["state"]["taken"] if row else []

    def check(self) -> None:
        """Find the journal whole, and the stored states equal to what follows from it."""
        entries = list(self.unit.journal.after(0))
        check_chain(entries)
        shelf = self.model.shelf()
        keys = KeyRing(self.database, self.model.name, Key(bytes(32)))
        journal = Unit(self.database, self.model, keys, self.parking).journal
        for entry in entries:
            for fact in journal.facts(entry):
                self.model.evolve(shelf, fact)
        stored = dict(self.unit.states.all())
        assert stored == {ref: shelf.get(*ref) for ref in stored}
        assert len(stored) == len(shelf)

    def _commit(self, tickets: list[Ticket]) -> list[Ticket]:
        if tickets:
            self.committer.commit(tickets)
        return tickets


def now() -> datetime:
    """Return the time of this machine."""
    return datetime.now(UTC)
