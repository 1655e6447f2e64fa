"""One attempt to commit a batch: look, decide, store, in one transaction."""

from collections.abc import Sequence
from datetime import UTC, datetime

from pymongo.client_session import ClientSession
from pymongo.database import Database
from pymongo.errors import PyMongoError
from pymongo.write_concern import WriteConcern

from shared.events import Event
from shared.kernel import Model, Timer, Wanted
from shared.runtime.collision import collision
from shared.runtime.database import Document
from shared.runtime.decider import Decided, Decider, explain
from shared.runtime.inbox import Inbox, mark
from shared.runtime.journal import LAST, Head, Journal, head_of
from shared.runtime.keyring import KeyRing
from shared.runtime.look import Part, look
from shared.runtime.orphan import Orphans
from shared.runtime.parking import BEHIND, Parking, lane
from shared.runtime.rebuilding import Rebuilding
from shared.runtime.states import States
from shared.runtime.ticket import Fate, Ticket
from shared.runtime.timer import Timers

#: States kept in memory between commits, beside the resident ones.
KEPT_STATES = 4_000

_SEEN, _BLOCKED, _SET = "seen", "blocked", "set"


class Unit:
    """The collections of one service, and the states it remembers between commits.

    What is remembered is true as long as the head of the journal is the one that this process wrote: every change
    goes through the journal.
    """

    def __init__(self, database: Database[Document], model: Model, keys: KeyRing, parking: Parking) -> None:
        self.journal = Journal(database, model.name, keys)
        self.states = States(database, model, keys)
        self.inbox = Inbox(database)
        self.timers = Timers(database, model.name)
        self.orphans = Orphans(database)
        self.rebuilding = Rebuilding(database)
        self._client = database.client
        self._model = model
        self._decider = Decider(model)
        self._keys = keys
        self._parking = parking
        self._shelf = model.shelf()
        self._residents = 0
        self._head: Head | None = None
        #: Whether no rebuild was under way when this process first looked. None begins while it runs.
        self._admitted = False

    def prepare(self) -> None:
        """Make the indexes."""
        self.journal.prepare()
        self.states.prepare()
        self.inbox.prepare()
        self.timers.prepare()

    def load_keys(self, owners: Sequence[str]) -> None:
        """Fetch the keys that are about to be used, as they are stored now: another process may have destroyed one."""
        self._keys.load(owners, anew=True)

    def attempt(self, tickets: Sequence[Ticket], broken: Exception | None = None) -> list[Document]:
        """Commit the tickets and return the journal entries made; with `broken`, only write down that they failed.

        Raises:
            Collision: try the same again.
            Unavailable: the states are being rebuilt.
            PyMongoError: anything else that the database says.
        """
        for ticket in tickets:
            ticket.reopen()
        head = None
        self._keys.hold()
        try:
            at = datetime.now(UTC)
            # Read before the transaction: who commits between collides with us on the number of the next entry.
            with self._client.start_session(snapshot=True) as session:
                self._look(tickets, [] if broken else [self._decider.wanted(ticket) for ticket in tickets], session)
            entries, timers = self._decide(tickets, at, broken)
            with self._client.start_session() as session:
                session.start_transaction(write_concern=WriteConcern("majority", j=True))
                self._store(tickets, entries, at, session)
                self.timers.change(timers, session)
                session.commit_transaction()
            head = self._after(entries)
            return entries
        except PyMongoError as error:
            if collided := collision(error):
                raise collided from error
            raise
        finally:
            self._settle(head)

    def _look(self, tickets: Sequence[Ticket], wanted: Sequence[Wanted], session: ClientSession) -> None:
        """Lay onto the shelf what the tickets want to know, and mark those that need no decision."""
        together = Wanted(
            refs=frozenset().union(*(w.refs for w in wanted)), keys=frozenset().union(*(w.keys for w in wanted))
        )
        if len(self._shelf) > KEPT_STATES + self._residents:
            self._head = None
        if not self._looked(tickets, together, session):
            self._check_admitted(session)
            self._shelf = self._model.shelf()
            self._keys.forget()
            self.states.fill_resident(self._shelf, session)
            self._residents = len(self._shelf)
            self._looked(tickets, together, session)

    def _check_admitted(self, session: ClientSession) -> None:
        if not self._admitted:
            self.rebuilding.check(session)
            self._admitted = True

    def _looked(self, tickets: Sequence[Ticket], wanted: Wanted, session: ClientSession) -> bool:
        """Look up everything at once; tell whether what was remembered is still true."""
        parts = self.states.missing(self._shelf, wanted) | self._in_the_way(tickets)
        last, found = look(self.journal.entries, LAST, parts, session)
        head, known = head_of(last), self._head
        self._head = head
        if head != known:
            return False
        self._sort_out(tickets, *(found.pop(name, ()) for name in (_SEEN, _BLOCKED, _SET)))
        for kind, rows in found.items():
            self.states.fill(self._shelf, kind, rows, session)
        return True

    def _in_the_way(self, tickets: Sequence[Ticket]) -> dict[str, Part]:
        """Return where to find marks of the events that were handled before, and what blocks their cases."""
        events = [(ticket, ticket.event) for ticket in tickets if ticket.event]
        if not events:
            return {}
        lanes: dict[str, set[str]] = {}
        for ticket, event in events:
            lanes.setdefault(ticket.consumer, set()).add(lane(event))
        timers = [ticket.timer for ticket in tickets if ticket.timer]
        return ({_SET: self.timers.there(timers)} if timers else {}) | {
            _SEEN: self.inbox.seen([mark(ticket.consumer, event.id) for ticket, event in events]),
            _BLOCKED: self._parking.blocked({consumer: list(those) for consumer, those in lanes.items()}),
        }

    @staticmethod
    def _sort_out(
        tickets: Sequence[Ticket], seen: Sequence[Document], blocked: Sequence[Document], timers: Sequence[Document]
    ) -> None:
        """Close the tickets of events that were handled before (or cancelled), and of those whose case is blocked."""
        still_set = {(row["_id"], row["set_by"]) for row in timers}
        marks = {row["_id"] for row in seen}
        lanes = {(row["consumer"], row["lane"]) for row in blocked}
        for ticket in tickets:
            if not ticket.event:
                continue
            gone = ticket.timer and (ticket.timer, ticket.event.causation) not in still_set
            if gone or mark(ticket.consumer, ticket.event.id) in marks:
                ticket.close(Fate.REPEATED)
            elif not ticket.again and (ticket.consumer, lane(ticket.event)) in lanes:
                ticket.close(Fate.BEHIND)

    def _decide(
        self, tickets: Sequence[Ticket], at: datetime, broken: Exception | None
    ) -> tuple[list[Document], list[tuple[Timer, str]]]:
        """Decide on the open tickets; return the journal entries that follow, and the timers with what sets them."""
        head = self._head or Head()
        decided = self._decider.decide(self._shelf, tickets, head.sequence + 1, broken)
        self._keys.load(self._owners(decided))
        entries: list[Document] = []
        for ticket, facts in decided.facts:
            entries.append(self.journal.entry(head, ticket.message, facts, at))
            head = self._after(entries)
            self._keys.doom(owner for fact in facts for owner in self._model.erases(fact))
        return entries, [(timer, entries[at]["events"][n]["id"]) for timer, at, n in decided.timers.values()]

    def _owners(self, decided: Decided) -> set[str]:
        """Return whose keys are needed: of what is sealed, all but those of whom nothing was stored before."""
        sealed = {fact.case or fact.subject for _, facts in decided.facts for fact in facts if fact.private}
        new = {ref.id for ref in self._shelf.touched if ref not in self._shelf.stored}
        return (sealed | {ref.id for ref in self._shelf.touched}) - new

    def _store(self, tickets: Sequence[Ticket], entries: list[Document], at: datetime, session: ClientSession) -> None:
        if entries:
            self.journal.entries.insert_many(entries, session=session)
            self.states.save(self._shelf, session)
            self._keys.save(session)
        for consumer in {t.consumer for t in tickets if t.event}:
            mine = [(t, t.event) for t in tickets if t.event and t.consumer == consumer and t.fate is not Fate.OPEN]
            self.inbox.add(consumer, [event for ticket, event in mine if ticket.fate is Fate.DONE], at, session)
            self._take_timers(mine, session)
            if consumer != self.timers.consumer:
                self.inbox.advance(consumer, [event for _, event in mine], session)
            again = [mark(consumer, e.id) for t, e in mine if t.again and t.fate in {Fate.DONE, Fate.REPEATED}]
            self._parking.release(again, session)
            for ticket, event in mine:
                self._park(ticket, event, at, session)

    def _take_timers(self, mine: Sequence[tuple[Ticket, Event]], session: ClientSession) -> None:
        acted_on = {Fate.DONE, Fate.FAILED, Fate.BEHIND}
        fired = [(ticket.timer, event.causation) for ticket, event in mine if ticket.timer and ticket.fate in acted_on]
        self.timers.take(fired, session)

    def _park(self, ticket: Ticket, event: Event, at: datetime, session: ClientSession) -> None:
        """Park an event that failed, or that came behind one that did."""
        if ticket.fate is Fate.BEHIND:
            self._parking.add(ticket.consumer, event, BEHIND, at, attempts=0, session=session)
        elif ticket.fate is Fate.FAILED:
            reason = explain(ticket.error)
            if ticket.again:
                self._parking.failed(ticket.consumer, event, reason, at, session=session)
            else:
                self._parking.add(ticket.consumer, event, reason, at, attempts=1, session=session)

    def _after(self, entries: list[Document]) -> Head:
        if not entries:
            return self._head or Head()
        return Head(entries[-1]["_id"] + entries[-1]["n"] - 1, entries[-1]["hash"])

    def _settle(self, head: Head | None) -> None:
        """Keep what the shelf holds when it was committed; otherwise read everything anew next time."""
        self._keys.settle(kept=head is not None)
        self._head = head
        if head is not None:
            self._shelf.settle()
