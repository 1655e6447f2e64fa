"""A stream says the same in memory and in real processes over the real broker: the same bytes, under the same ids."""

import tempfile
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from deploy.city import models, whole_city
from shared.events import Event
from shared.replay.recording import Recorded
from shared.replay.replay import Replay, ReplayFailed
from tests.integration.runtime.toy import Toy, case, report
from tests.support.scenarios import SCENARIOS
from tests.support.stage import stages

Open = Callable[[str], Replay]
#: Hears several services: which of them it hears first when they speak at the same moment, only the broker knows.
LISTENS_TO_MANY = "feed"
LISTENER = "tests.integration.runtime.toy_listener"


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_all_services_together_say_what_they_say_in_memory(replay: Open, scenario: str) -> None:
    stream = f"streams/0.1.0/{scenario}"
    outcome = replay(f"{stream}.ndjson").into(whole_city())
    for service in models():
        if service != LISTENS_TO_MANY:
            outcome.of(service).expect(f"{stream}.{service}.ndjson")
    in_memory = replay(f"{stream}.{LISTENS_TO_MANY}.ndjson").events()
    assert content(outcome.of(LISTENS_TO_MANY).events) == content(in_memory)


@pytest.mark.parametrize("service", ["referral", "notification", "feed"])
def test_a_service_alone_says_what_it_says_in_memory(replay: Open, service: str) -> None:
    stream = "streams/0.1.0/violence_red"
    replay(f"{stream}.ndjson").into(models()[service]).expect(f"{stream}.{service}.ndjson")


@pytest.mark.pure
def test_what_fails_in_a_process_fails_the_replay_and_says_why() -> None:
    lines = [Recorded(1, report("a", 1)), Recorded(2, report("b", 2))]
    with (
        tempfile.TemporaryDirectory() as rules,
        stages(modules={"referral": LISTENER}, variables={"NIANGJIA_RULES": rules}) as set_stage,
    ):
        (Path(rules) / "failing").write_text(case("b"))
        outcome = Replay(lines, "notes", stage=set_stage).into(Toy())
        with pytest.raises(ReplayFailed, match=r"referral failed on report\.received: KeyError in Toy\.decide:\d+"):
            _ = outcome.events


def content(events: Sequence[Event]) -> Counter[tuple[object, ...]]:
    """Return what events say, without their order."""
    return Counter((event.id, event.type, event.time, event.causation) for event in events)
