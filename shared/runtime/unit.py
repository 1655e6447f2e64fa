"""One attempt to commit a batch: look, decide, store, in one transaction."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

import structlog
from pymongo.client_session import ClientSession
from pymongo.database import Database
from pymongo.errors import AutoReconnect, BulkWriteError, DuplicateKeyError, PyMongoError
from pymongo.write_concern import WriteConcern

from shared.events import Event, InvalidEvent, UnknownEvent, UnknownVersion, check
from shared.kernel import Fact, Model, Refused, Wanted, run
from shared.runtime.database import Document, is_away
from shared.runtime.inbox import Inbox, mark
from shared.runtime.journal import LAST, Head, Journal, head_of
from shared.runtime.keyring import KeyRing
from shared.runtime.look import Part, look
from shared.runtime.parking import BEHIND, Parking, lane
from shared.runtime.states import States
from shared.runtime.ticket import Fate, Ticket

#: States kept in memory between commits, beside the resident ones.
KEPT_STATES = 4_000

#: So many cases failing in a row, with none succeeding, mean that the fault is not in the cases: the rest of the
#: batch stays open, and uses up no attempts.
ALL_FAIL = 10

_DUPLICATE = 11_000
#: How the database names the number of an entry in what it says of a duplicate.
_NUMBER_TAKEN = ".journal index: _id_ "
_SEEN, _BLOCKED = "seen", "blocked"
_log = structlog.get_logger(__name__)


class Collision(Exception):
    """Another process committed first, or the transaction was interrupted; the same again may work.

    Args:
        doubted: something else than the number of the next entry was there already; when it is there again after a
            fresh look, the message itself is at fault.
    """

    def __init__(self, *, doubted: bool = False) -> None:
        super().__init__()
        self.doubted = doubted


class Unit:
    """The collections of one service, and the states it remembers between commits.

    What is remembered is true as long as the head of the journal is the one that this process wrote: every change
    goes through the journal.
    """

    def __init__(self, database: Database[Document], model: Model, keys: KeyRing, parking: Parking) -> None:
        self.journal = Journal(database, model.name, keys)
        self.states = States(database, model, keys)
        self.inbox = Inbox(database)
        self._client = database.client
        self._model = model
        self._keys = keys
        self._parking = parking
        self._shelf = model.shelf()
        self._residents = 0
        self._head: Head | None = None

    def prepare(self) -> None:
        """Make the indexes."""
        self.journal.prepare()
        self.states.prepare()
        self.inbox.prepare()

    def load_keys(self, owners: Sequence[str]) -> None:
        """Fetch the keys that are about to be used, at once."""
        self._keys.load(owners)

    def attempt(self, tickets: Sequence[Ticket], broken: Exception | None = None) -> list[Document]:
        """Commit the tickets and return the journal entries made; with `broken`, only write down that they failed.

        Raises:
            Collision: try the same again.
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
                self._look(tickets, [] if broken else [_wanted(self._model, ticket) for ticket in tickets], session)
            entries = self._decide(tickets, at, broken)
            with self._client.start_session() as session:
                session.start_transaction(write_concern=WriteConcern("majority", j=True))
                self._store(tickets, entries, at, session)
                session.commit_transaction()
            head = self._after(entries)
            return entries
        except PyMongoError as error:
            if collision := _collision(error):
                raise collision from error
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
            self._shelf = self._model.shelf()
            self.states.fill_resident(self._shelf, session)
            self._residents = len(self._shelf)
            self._looked(tickets, together, session)

    def _looked(self, tickets: Sequence[Ticket], wanted: Wanted, session: ClientSession) -> bool:
        """Look up everything at once; tell whether what was remembered is still true."""
        parts = self.states.missing(self._shelf, wanted) | self._in_the_way(tickets)
        last, found = look(self.journal.entries, LAST, parts, session)
        head, known = head_of(last), self._head
        self._head = head
        if head != known:
            return False
        self._sort_out(tickets, found.pop(_SEEN, ()), found.pop(_BLOCKED, ()))
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
        return {
            _SEEN: self.inbox.seen([mark(ticket.consumer, event.id) for ticket, event in events]),
            _BLOCKED: self._parking.blocked({consumer: list(those) for consumer, those in lanes.items()}),
        }

    @staticmethod
    def _sort_out(tickets: Sequence[Ticket], seen: Sequence[Document], blocked: Sequence[Document]) -> None:
        """Close the tickets of events that were handled before, and of those whose case is blocked."""
        marks = {row["_id"] for row in seen}
        lanes = {(row["consumer"], row["lane"]) for row in blocked}
        for ticket in tickets:
            if ticket.event and mark(ticket.consumer, ticket.event.id) in marks:
                ticket.close(Fate.REPEATED)
            elif ticket.event and not ticket.again and (ticket.consumer, lane(ticket.event)) in lanes:
                ticket.close(Fate.BEHIND)

    def _decide(self, tickets: Sequence[Ticket], at: datetime, broken: Exception | None) -> list[Document]:
        """Decide on the open tickets in their order; return the journal entries that follow."""
        decided: list[tuple[Ticket, list[Fact]]] = []
        failed: set[tuple[str, str]] = set()
        seen: set[tuple[str, str]] = set()
        any_done = False
        number = (self._head or Head()).sequence + 1
        for ticket in tickets:
            if ticket.event and len(failed) >= ALL_FAIL and not any_done:
                continue
            self._within_batch(ticket, failed, seen)
            if ticket.fate is Fate.OPEN:
                facts = self._decided(ticket, number, broken)
                number += len(facts)
                if ticket.event and ticket.error:
                    failed.add((ticket.consumer, lane(ticket.event)))
                any_done = any_done or (ticket.event is not None and ticket.error is None)
                if facts:
                    decided.append((ticket, facts))
        # What is new has no key yet; of what was stored the key is needed.
        self._keys.load(ref.id for ref in self._shelf.touched if ref in self._shelf.stored)
        return self._entries(decided, at)

    @staticmethod
    def _within_batch(ticket: Ticket, failed: set[tuple[str, str]], seen: set[tuple[str, str]]) -> None:
        """Close an event that stands twice in the batch, or behind one of the batch that failed."""
        if ticket.event is None or ticket.fate is not Fate.OPEN:
            return
        if (ticket.consumer, ticket.event.id) in seen:
            ticket.close(Fate.REPEATED)
        elif (ticket.consumer, lane(ticket.event)) in failed:
            ticket.close(Fate.BEHIND)
        seen.add((ticket.consumer, ticket.event.id))

    def _decided(self, ticket: Ticket, number: int, broken: Exception | None) -> list[Fact]:
        try:
            if broken or ticket.broken:
                raise broken or ticket.broken or AssertionError
            message = ticket.message if ticket.event else replace(ticket.message, sequence=number)
            facts, answer = run(self._model, self._shelf, message, _check)
        except Refused as refusal:
            ticket.close(Fate.FAILED if ticket.event else Fate.REFUSED, error=refusal)
        except Exception as error:  # noqa: BLE001  whatever the rules do wrong harms this message only
            ticket.close(Fate.FAILED, error=error)
        else:
            ticket.close(Fate.DONE, answer=answer)
            return facts
        return []

    def _entries(self, decided: list[tuple[Ticket, list[Fact]]], at: datetime) -> list[Document]:
        entries: list[Document] = []
        head = self._head or Head()
        for ticket, facts in decided:
            entry = self.journal.entry(head, ticket.message, facts, at)
            head = Head(entry["_id"] + entry["n"] - 1, entry["hash"])
            entries.append(entry)
        return entries

    def _store(self, tickets: Sequence[Ticket], entries: list[Document], at: datetime, session: ClientSession) -> None:
        if entries:
            self.journal.entries.insert_many(entries, session=session)
            self.states.save(self._shelf, session)
            self._keys.save(session)
        for consumer in {t.consumer for t in tickets if t.event}:
            mine = [(t, t.event) for t in tickets if t.event and t.consumer == consumer and t.fate is not Fate.OPEN]
            self.inbox.add(consumer, [event for ticket, event in mine if ticket.fate is Fate.DONE], at, session)
            self.inbox.advance(consumer, [event for _, event in mine], session)
            again = [mark(consumer, e.id) for t, e in mine if t.again and t.fate in {Fate.DONE, Fate.REPEATED}]
            self._parking.release(again, session)
            for ticket, event in mine:
                self._park(ticket, event, at, session)

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


def _check(fact: Fact) -> None:
    check(fact.type, fact.data)


def explain(error: Exception | None) -> str:
    """Return why a message failed, without any of its content: the rules' own words, or the kind of the bug."""
    if isinstance(error, Refused):
        return f"refused: {error.slug}"
    if isinstance(error, InvalidEvent | UnknownEvent | UnknownVersion):
        return str(error)  # they quote no value
    if error is None:
        return ""
    frame = error.__traceback__
    while frame is not None and frame.tb_next is not None:
        frame = frame.tb_next
    where = f" in {frame.tb_frame.f_code.co_qualname}:{frame.tb_lineno}" if frame else ""
    return f"{type(error).__name__}{where}"


def _collision(error: PyMongoError) -> Collision | None:
    """Return the collision that an error means, if the same transaction may succeed when it is tried again at once."""
    if error.has_error_label("TransientTransactionError"):
        # One broken connection says nothing of the next; whatever else is away stays so for a while.
        return Collision() if type(error) is AutoReconnect or not is_away(error) else None
    if isinstance(error, DuplicateKeyError):
        return Collision(doubted=True)
    if isinstance(error, BulkWriteError):
        faults = (error.details or {}).get("writeErrors", ())
        said = [str(fault.get("errmsg")) for fault in faults if fault.get("code") == _DUPLICATE]
        return Collision(doubted=not any(_NUMBER_TAKEN in one for one in said)) if said else None
    return None


def _wanted(model: Model, ticket: Ticket) -> Wanted:
    """Return what a message wants to know; one that cannot even say it is broken."""
    if ticket.broken:
        return Wanted()
    try:
        return model.wants(ticket.message)
    except Exception as error:  # noqa: BLE001  whatever the rules do wrong harms this message only
        ticket.broken = error
        return Wanted()
