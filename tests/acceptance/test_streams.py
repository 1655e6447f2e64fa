"""The recordings of every released version are replayed for ever, into each service and into the whole city."""

from collections.abc import Callable

import pytest

from deploy.city import models, whole_city
from shared.replay.recording import Addition, Command, Line, read
from shared.replay.replay import Replay
from tests.support.scenarios import SCENARIOS, STREAMS, stream

SERVICES = tuple(models())
#: Paths of all streams, below the folder of tests.
RECORDED = sorted(
    file.relative_to(STREAMS.parent).as_posix() for file in STREAMS.glob("*/*.ndjson") if file.name.count(".") == 1
)

Open = Callable[[str], Replay]


@pytest.mark.pure
@pytest.mark.parametrize("service", SERVICES)
@pytest.mark.parametrize("recorded", RECORDED)
def test_a_service_says_what_it_always_said(replay: Open, recorded: str, service: str) -> None:
    replay(recorded).into(models()[service]).expect(golden(recorded, service))


@pytest.mark.pure
@pytest.mark.parametrize("recorded", RECORDED)
def test_a_city_says_what_its_services_say_one_by_one(replay: Open, recorded: str) -> None:
    outcome = replay(recorded).into(whole_city())
    assert outcome.refused == []
    for service in SERVICES:
        outcome.of(service).expect(golden(recorded, service))


@pytest.mark.parametrize("recorded", RECORDED)
def test_every_line_is_told_by_somebody_and_every_answer_is_told_to_somebody(recorded: str) -> None:
    lines = [line for _, line in read(STREAMS.parent / recorded)]
    told = {line.id for line in lines if not isinstance(line, Command | Addition)}
    causes = {line.message.id for line in lines if isinstance(line, Command)} | told
    said = {event.causation for service in SERVICES for event in events(golden(recorded, service))}
    assert said <= causes
    assert {event.id for service in SERVICES for event in events(golden(recorded, service))} == told


@pytest.mark.parametrize("name", SCENARIOS)
def test_a_scenario_can_be_recorded_for_the_next_version(name: str) -> None:
    told = list(stream(SCENARIOS[name]))
    assert {line.to for line in told if isinstance(line, Command)} >= {"intake", "volunteer", "feed"}
    assert any(isinstance(line, Addition) for line in told)


def golden(recorded: str, service: str) -> str:
    return recorded.replace(".ndjson", f".{service}.ndjson")


def events(path: str) -> list[Line]:
    return [line for _, line in read(STREAMS.parent / path)]
