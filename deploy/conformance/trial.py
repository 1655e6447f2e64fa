"""Plays scenarios with a consumer, one after the other, and judges it by what it does."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from deploy.conformance import record
from deploy.conformance.calls import Calls, new_secret
from deploy.conformance.feed import LocalFeed
from deploy.conformance.messages import Messages
from deploy.conformance.record import Seen
from deploy.conformance.scenario import Plan, Scenario

#: Seconds in which a receipt too many may still come.
_SETTLING: Final = 0.5
_SHOWN: Final = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """How a consumer did in one scenario."""

    scenario: Scenario
    #: What was wrong; nothing where it passed.
    faults: Sequence[str]

    @property
    def passed(self) -> bool:
        """Whether nothing was wrong."""
        return not self.faults

    def as_json(self) -> dict[str, Any]:
        """Return it for programs."""
        return {
            "scenario": self.scenario.name,
            "what": self.scenario.title,
            "passed": self.passed,
            "faults": list(self.faults),
            "remedy": "" if self.passed else self.scenario.remedy,
        }


class Trial:
    """One consumer.

    Args:
        calls: of its webhook; None where it reads by itself.
        patience: seconds that it may take for a scenario.
    """

    def __init__(self, feed: LocalFeed, messages: Messages, calls: Calls | None, patience: float) -> None:
        self._feed = feed
        self._messages = messages
        self._calls = calls
        self._patience = patience

    def run(self, scenario: Scenario) -> Verdict:
        """Play a scenario and return how the consumer did."""
        seen, first = self._feed.record, self._feed.last + 1
        mark = len(seen)
        plan = scenario.plan(self._messages, first)
        if plan.rotates:
            self._rotate()
        numbers = self._deliver(plan, first)
        seen.wait(lambda: set(numbers) <= set(_received(seen.since(mark))), self._patience)
        time.sleep(_SETTLING)
        happened = seen.since(mark)
        faults = [*_faults(happened, numbers), *scenario.judge(happened, first)]
        return Verdict(scenario=scenario, faults=faults)

    def _rotate(self) -> None:
        if self._calls:
            # the new one first; the consumer knows the other
            self._calls.secrets = [new_secret(), *self._calls.secrets][:2]
        self._feed.rotate()

    def _deliver(self, plan: Plan, first: int) -> list[int]:
        documents = [dict(document) for document in plan.documents]
        for place, people in plan.people.items():
            number = first + place
            self._feed.people[number] = people
            documents[place]["dataref"] = f"{self._feed.url}/deliveries/{number}/fields"
        return self._feed.add(documents, plan.tricks)


def _received(seen: Sequence[Seen]) -> list[int]:
    return [one.number for one in seen if one.what == record.RECEIPT and one.detail == "received"]


def _faults(seen: Sequence[Seen], numbers: Sequence[int]) -> Iterator[str]:
    """Yield what is wrong with the receipts: exactly one `received` for each number, in order."""
    received = _received(seen)
    missing = [number for number in numbers if number not in received]
    if missing:
        yield f"no receipt for {_listed(missing)}"
    twice = sorted({number for number in received if received.count(number) > 1})
    if twice:
        yield f"more than one receipt for {_listed(twice)}"
    if others := sorted(set(received) - set(numbers)):
        yield f"a receipt for {_listed(others)}, which came long before"
    first_times = list(dict.fromkeys(received))
    if first_times != sorted(first_times):
        yield f"receipts out of order: {_listed(first_times)}"
    if codes := [one.detail for one in seen if one.what == record.ENDED and one.detail != "0"]:
        yield f"the consumer ended with code {codes[0]}"


def _listed(numbers: Sequence[int]) -> str:
    shown = ", ".join(map(str, numbers[:_SHOWN]))
    return f"{shown} and {len(numbers) - _SHOWN} more" if len(numbers) > _SHOWN else shown
