"""What the kit plays: in each scenario one thing goes wrong as it does sooner or later with every feed."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

from deploy.conformance import record
from deploy.conformance.feed import Document, Trick
from deploy.conformance.messages import Messages
from deploy.conformance.record import Seen


class Way(StrEnum):
    """How the consumer reads."""

    HTTP = "http"
    WEBHOOK = "webhook"
    AMQP = "amqp"


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What is delivered in a scenario."""

    documents: Sequence[Document]
    #: By the place of a delivery among them.
    tricks: Mapping[int, Trick] = field(default_factory=dict)
    #: What their `dataref` answers: None where it is closed.
    people: Mapping[int, Mapping[str, Any] | None] = field(default_factory=dict)
    #: The keys change before.
    rotates: bool = False


#: Finds fault with what was seen since the scenario began; gets the number of its first delivery.
Judge = Callable[[Sequence[Seen], int], Iterator[str]]


def _no_more(_seen: Sequence[Seen], _first: int) -> Iterator[str]:
    """Find no fault beyond the receipts."""
    yield from ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """One of them."""

    name: str
    title: str
    #: What to do when a consumer fails.
    remedy: str
    #: Makes the plan; gets the number that the first delivery will have.
    plan: Callable[[Messages, int], Plan]
    judge: Judge = _no_more
    ways: frozenset[Way] = frozenset(Way)


#: Times that a closed `dataref` may be asked: more is asking in a loop.
_ASKED_AT_MOST: Final = 3


def _plain(messages: Messages, _first: int) -> Plan:
    told, people = messages.event_with_people()
    return Plan(documents=[told, *(messages.event() for _ in range(4))], people={0: people} if people else {})


def _tricked(count: int, place: int, trick: Trick) -> Callable[[Messages, int], Plan]:
    return lambda messages, _: Plan(documents=[messages.event() for _ in range(count)], tricks={place: trick})


def _replay(messages: Messages, first: int) -> Plan:
    told, people = messages.event_with_people()
    again = {**told, "replayof": f"{first:016}"}
    answers = {0: people, 2: people} if people else {}
    return Plan(documents=[told, messages.event(), again], people=answers)


def _acted_twice(seen: Sequence[Seen], first: int) -> Iterator[str]:
    if Seen(record.RECEIPT, first + 2, "acted") in seen:
        yield f"acted on number {first + 2}, which is a replay of {first}"


def _unknown(messages: Messages, _first: int) -> Plan:
    event = messages.event()
    grown = {**event, "data": {**event["data"], "later_addition": {"of": ["some", "kind"]}}, "laterattribute": "1"}
    return Plan(documents=[grown, messages.unknown(), messages.event()])


def _recall(messages: Messages, first: int) -> Plan:
    told, people = messages.event_with_people()
    documents = [told, messages.recall([first]), messages.event()]
    return Plan(documents=documents, people={0: None} if people else {})


def _used_after_recall(seen: Sequence[Seen], first: int) -> Iterator[str]:
    asked = [one for one in seen if one.what == record.FETCHED and one.number == first]
    if len(asked) > _ASKED_AT_MOST:
        yield f"asked {len(asked)} times for what is closed (410)"
    recall = Seen(record.RECEIPT, first + 1, "received")
    if recall in seen:
        after = seen[list(seen).index(recall) :]
        if any(one.what == record.FETCHED and one.number == first for one in after):
            yield f"asked for people of number {first} after its recall"
        if Seen(record.RECEIPT, first, "acted") in after:
            yield f"acted on number {first} after its recall"


def _rotation(messages: Messages, _first: int) -> Plan:
    return Plan(documents=[messages.event(), messages.event()], rotates=True)


def _let_in(what: str) -> Judge:
    def judge(seen: Sequence[Seen], _first: int) -> Iterator[str]:
        for one in seen:
            if one.what == record.CALLED and one.detail.startswith(f"{what} 2"):
                yield f"answered {one.detail.split()[1]} to a call that it must refuse"

    return judge


def _began_anew(seen: Sequence[Seen], first: int) -> Iterator[str]:
    early = [one.number for one in seen if one.what == record.ASKED and one.number < first - 1]
    if early:
        yield f"asked for all after number {early[0]} again, though it had all up to {first - 1}"


SCENARIOS: Final = (
    Scenario(
        name="plain",
        title="five deliveries, nothing goes wrong",
        remedy="read FEED_URL, and send a receipt `received` for each number once it is stored",
        plan=_plain,
    ),
    Scenario(
        name="twice",
        title="a delivery comes twice under the same number",
        remedy="keep the last number that was handled; take a lower or equal one for done, without another receipt",
        plan=_tricked(3, 1, Trick.TWICE),
    ),
    Scenario(
        name="gap",
        title="a number is missing",
        remedy="compare each number with the last one; where one is missing, fetch it (events?after=) before going on",
        plan=_tricked(4, 1, Trick.HIDDEN),
    ),
    Scenario(
        name="replay",
        title="a delivery is sent again on request, marked as a replay",
        remedy="take in what has `replayof` under its new number, and do not act on it again",
        plan=_replay,
        judge=_acted_twice,
    ),
    Scenario(
        name="unknown",
        title="a field, an attribute and a type that nobody knows yet",
        remedy="pass over fields and attributes that are not known; send `received` for types that are not known, too",
        plan=_unknown,
    ),
    Scenario(
        name="recall",
        title="a delivery is recalled before its people were asked for",
        remedy="take 410 for final and go on; after a recall neither fetch nor act on what it names",
        plan=_recall,
        judge=_used_after_recall,
    ),
    Scenario(
        name="rotation",
        title="the keys change",
        remedy="after 401 read FEED_TOKEN_FILE again and repeat; of two signatures let one be enough",
        plan=_rotation,
    ),
    Scenario(
        name="forged",
        title="somebody else calls",
        remedy="compute the signature over id.timestamp.body with the secret; answer 401 where none is the same",
        plan=_tricked(2, 0, Trick.FORGED),
        judge=_let_in("forged"),
        ways=frozenset({Way.WEBHOOK}),
    ),
    Scenario(
        name="old",
        title="a call is repeated ten minutes later",
        remedy="answer 401 where webhook-timestamp is more than five minutes away from now",
        plan=_tricked(2, 0, Trick.OLD),
        judge=_let_in("old"),
        ways=frozenset({Way.WEBHOOK}),
    ),
    Scenario(
        name="dropped",
        title="the connection breaks in the middle of a delivery",
        remedy="connect again and go on after the last number that was handled (after=, Last-Event-ID, stream offset)",
        plan=_tricked(3, 1, Trick.CUT),
        judge=_began_anew,
    ),
)
