"""Decides on the messages of a batch, one after the other, in memory: nothing is read or stored here."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from shared.events import InvalidEvent, UnknownEvent, UnknownVersion, check
from shared.kernel import Fact, Model, Refused, Shelf, Timer, Wanted, run
from shared.runtime.parking import lane
from shared.runtime.ticket import Fate, Ticket

#: So many cases failing in a row, with none succeeding, mean that the fault is not in the cases: the rest of the
#: batch stays open, and uses up no attempts.
ALL_FAIL = 10


@dataclass(slots=True)
class Decided:
    """What became of a batch."""

    #: Tickets that have facts, in their order.
    facts: list[tuple[Ticket, list[Fact]]] = field(default_factory=list)
    #: Timers to set or take away, by their id, each with the place of the fact that says so: in `facts`, and within.
    timers: dict[str, tuple[Timer, int, int]] = field(default_factory=dict)
    _failed: set[tuple[str, str]] = field(default_factory=set)
    _seen: set[tuple[str, str]] = field(default_factory=set)
    _any_done: bool = False

    def sort_out(self, ticket: Ticket) -> bool:
        """Close an event that needs no decision because of what stood before it; tell whether one is to be made."""
        event = ticket.event
        if event is None:
            return ticket.fate is Fate.OPEN
        if len(self._failed) >= ALL_FAIL and not self._any_done:
            return False
        if ticket.fate is Fate.OPEN:
            if (ticket.consumer, event.id) in self._seen or ticket.timer in self.timers:
                ticket.close(Fate.REPEATED)
            elif (ticket.consumer, lane(event)) in self._failed:
                ticket.close(Fate.BEHIND)
            self._seen.add((ticket.consumer, event.id))
        return ticket.fate is Fate.OPEN

    def note(self, ticket: Ticket) -> None:
        """Remember whether an event failed."""
        if ticket.event and ticket.error:
            self._failed.add((ticket.consumer, lane(ticket.event)))
        elif ticket.event:
            self._any_done = True


class Decider:
    """Asks the model."""

    def __init__(self, model: Model) -> None:
        self._model = model
        self._has_timers = type(model).timers is not Model.timers

    def wanted(self, ticket: Ticket) -> Wanted:
        """Return what a message wants to know; one that cannot even say it is broken."""
        if ticket.broken:
            return Wanted()
        try:
            return self._model.wants(ticket.message)
        except Exception as error:  # noqa: BLE001  whatever the rules do wrong harms this message only
            ticket.broken = error
            return Wanted()

    def decide(self, shelf: Shelf, tickets: Sequence[Ticket], number: int, broken: Exception | None) -> Decided:
        """Decide on the open tickets in their order.

        Args:
            shelf: what they wanted to know; takes what they change.
            number: of the next fact.
            broken: why all of them fail, if they do.
        """
        decided = Decided()
        for ticket in tickets:
            if not decided.sort_out(ticket):
                continue
            facts = self._decided(shelf, ticket, number, broken)
            number += len(facts)
            decided.note(ticket)
            if facts:
                self._take(decided, ticket, facts)
        return decided

    def _take(self, decided: Decided, ticket: Ticket, facts: list[Fact]) -> None:
        if self._has_timers:
            at = len(decided.facts)
            for n, fact in enumerate(facts):
                decided.timers |= {timer.id: (timer, at, n) for timer in self._model.timers(fact)}
        decided.facts.append((ticket, facts))

    def _decided(self, shelf: Shelf, ticket: Ticket, number: int, broken: Exception | None) -> list[Fact]:
        try:
            if broken or ticket.broken:
                raise broken or ticket.broken or AssertionError
            message = ticket.message if ticket.event else replace(ticket.message, sequence=number)
            facts, answer = run(self._model, shelf, message, _check)
        except Refused as refusal:
            ticket.close(Fate.FAILED if ticket.event else Fate.REFUSED, error=refusal)
        except Exception as error:  # noqa: BLE001  whatever the rules do wrong harms this message only
            ticket.close(Fate.FAILED, error=error)
        else:
            ticket.close(Fate.DONE, answer=answer)
            return facts
        return []


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
