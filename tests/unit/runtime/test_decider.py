"""Of a batch, the one that fails harms only its own case; where all fail, the fault is not in the cases."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

from shared.events import Event
from shared.kernel import Decision, Fact, Message, Model, Ref, Refused, Shelf, Timer, Wanted, identifier
from shared.runtime.decider import ALL_FAIL, Decided, Decider, explain
from shared.runtime.ticket import Fate, Ticket

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


def case_id(name: str) -> str:
    return identifier(NOON, name)


@dataclass(frozen=True)
class Tally:
    taken: int = 0


class Tallies(Model):
    """Counts per case; does as its message says."""

    name: ClassVar[str] = "referral"
    kinds: ClassVar[Mapping[str, type]] = {"tally": Tally}

    def wants(self, message: Message) -> Wanted:
        return Wanted(refs=frozenset({Ref("tally", message.data["case"])}))

    def decide(self, shelf: Shelf, message: Message) -> Decision:
        case = message.data["case"]
        needed = {"case_id": case_id(case), "agency": "police", "purpose": "protect", "district": "330302"}
        yield Fact(type="consent.needed", subject=case, case=case, time=message.time, data=needed)
        if message.data.get("do") == "fail":
            raise KeyError(case)
        if message.data.get("do") == "refuse":
            raise Refused("unwelcome", "No.")
        if message.data.get("do") == "publish rubbish":
            yield Fact(type="consent.needed", subject=case, case=case, time=message.time, data={"name": "李四"})
        return {"taken": shelf.get("tally", case).taken}

    def evolve(self, shelf: Shelf, fact: Fact) -> None:
        before = shelf.get("tally", fact.case) or Tally()
        shelf.put(Ref("tally", fact.case), Tally(before.taken + 1))


class Reminders(Tallies):
    """Sets a timer for each fact."""

    def timers(self, fact: Fact) -> list[Timer]:
        due_at = fact.time + timedelta(hours=1)
        return [Timer(id=f"remind {fact.case}", due_at=due_at, type="reminder.due", subject=fact.case, case=fact.case)]


def event_ticket(id: str, case: str, do: str = "", **more: Any) -> Ticket:
    message = Message(id=id, type="report.received", time=NOON, data={"case": case, "do": do}, case=case)
    event = Event(
        id=id,
        source="intake",
        type="report.received",
        version=1,
        time=NOON,
        subject=case,
        sequence=1,
        correlation=case,
        causation="c",
        body=b"{}",
    )
    return Ticket(message=message, consumer="referral.from.intake", event=event, **more)


def command_ticket(id: str, case: str, do: str = "") -> Ticket:
    return Ticket(message=Message(id=id, type="count", time=NOON, data={"case": case, "do": do}))


def decided(*tickets: Ticket, model: Model | None = None) -> tuple[Decided, Shelf]:
    model = model or Tallies()
    shelf = model.shelf()
    return Decider(model).decide(shelf, tickets, 1, None), shelf


def fates(tickets: list[Ticket]) -> list[Fate]:
    return [ticket.fate for ticket in tickets]


def test_an_event_that_fails_stops_its_own_case_only() -> None:
    tickets = [
        event_ticket("1", "a"),
        event_ticket("2", "b", "fail"),
        event_ticket("3", "b"),
        event_ticket("4", "a"),
        event_ticket("5", "c"),
    ]
    found, shelf = decided(*tickets)

    assert fates(tickets) == [Fate.DONE, Fate.FAILED, Fate.BEHIND, Fate.DONE, Fate.DONE]
    assert [ticket.message.id for ticket, _ in found.facts] == ["1", "4", "5"]
    assert shelf.get("tally", "a") == Tally(2)
    assert shelf.get("tally", "b") is None


def test_a_command_that_is_refused_or_fails_stops_nobody() -> None:
    tickets = [command_ticket("1", "a", "refuse"), command_ticket("2", "a", "fail"), command_ticket("3", "a")]
    decided(*tickets)

    assert fates(tickets) == [Fate.REFUSED, Fate.FAILED, Fate.DONE]
    assert tickets[2].answer == {"taken": 1}


def test_an_event_that_the_rules_refuse_has_failed() -> None:
    ticket = event_ticket("1", "a", "refuse")
    decided(ticket)

    assert ticket.fate is Fate.FAILED
    assert explain(ticket.error) == "refused: unwelcome"


def test_the_same_event_twice_in_a_batch_counts_once() -> None:
    tickets = [event_ticket("1", "a"), event_ticket("1", "a"), event_ticket("2", "b", "fail"), event_ticket("2", "b")]
    decided(*tickets)

    assert fates(tickets) == [Fate.DONE, Fate.REPEATED, Fate.FAILED, Fate.REPEATED]


def test_what_cannot_be_published_fails() -> None:
    ticket = event_ticket("1", "a", "publish rubbish")
    found, shelf = decided(ticket)

    assert ticket.fate is Fate.FAILED
    assert found.facts == []
    assert len(shelf) == 0


def test_when_all_fail_the_rest_stays_open() -> None:
    failing = [event_ticket(str(n), f"case{n}", "fail") for n in range(ALL_FAIL + 5)]
    decided(*failing)

    assert fates(failing) == [Fate.FAILED] * ALL_FAIL + [Fate.OPEN] * 5


def test_one_success_shows_that_the_fault_is_in_the_cases() -> None:
    tickets = [event_ticket("0", "good")] + [event_ticket(str(n), f"case{n}", "fail") for n in range(1, ALL_FAIL + 5)]
    decided(*tickets)

    assert Fate.OPEN not in fates(tickets)


def test_many_failures_of_one_case_are_one_failing_case() -> None:
    tickets = [event_ticket(str(n), "a", "fail") for n in range(ALL_FAIL + 5)] + [event_ticket("x", "b")]
    decided(*tickets)

    assert fates(tickets)[-1] is Fate.DONE


def test_a_message_that_cannot_even_say_what_it_wants_is_broken() -> None:
    ticket = event_ticket("1", "a")
    ticket.message = Message(id="1", type="report.received", time=NOON, data={}, case="a")

    assert Decider(Tallies()).wanted(ticket) == Wanted()
    decided(ticket)
    assert ticket.fate is Fate.FAILED


def test_timers_are_set_by_the_fact_that_says_so() -> None:
    found, _ = decided(event_ticket("1", "a"), event_ticket("2", "b"), model=Reminders())

    assert {name: (at, n) for name, (_, at, n) in found.timers.items()} == {"remind a": (0, 0), "remind b": (1, 0)}


def test_a_timer_that_was_set_anew_in_the_same_batch_is_not_acted_on() -> None:
    tickets = [event_ticket("1", "a"), event_ticket("2", "a", timer="remind a"), event_ticket("3", "a")]
    decided(*tickets, model=Reminders())

    assert fates(tickets) == [Fate.DONE, Fate.REPEATED, Fate.DONE]


def test_why_something_failed_quotes_nothing() -> None:
    ticket = event_ticket("1", "李四", "fail")
    decided(ticket)

    assert explain(ticket.error).startswith("KeyError in Tallies.decide:")
    assert explain(None) == ""
