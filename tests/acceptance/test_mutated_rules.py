"""Whatever rule changes, a golden file catches it and says where: each line of the shipped rules is changed in turn."""

import re
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from deploy.city import models
from shared.replay.golden import Golden, NotAsExpected
from shared.replay.recording import Recorded, read
from shared.replay.replay import Replay
from tests.support.scenarios import SCENARIOS, STREAMS

SERVICES = Path(__file__).parents[2] / "services"
#: The rule file of each service.
RULES = {"intake": "risk.yml", "referral": "referrals.yml", "volunteer": "skills.yml"}
#: What is said of a case that the machine graded lower, or otherwise based.
LOWER = {"red": "orange", "orange": "yellow", "yellow": "blue"}
OTHER_BASIS = {"duty": "consent", "life": "consent", "consent": "duty"}

Entry = dict[str, Any]
Change = Callable[[Entry], None]


@cache
def shipped(service: str) -> Any:
    """Return the rules of a service."""
    return yaml.safe_load((SERVICES / service / "rules" / RULES[service]).read_text(encoding="utf-8"))


@cache
def recorded(scenario: str) -> tuple[Recorded, ...]:
    """Return the lines of a stream."""
    return tuple(read(STREAMS / "0.1.0" / f"{scenario}.ndjson"))


def difference(scenario: str, service: str, rules: Path | None) -> str:
    """Replay a scenario under other rules; return how it differs from its golden file, or nothing."""
    outcome = Replay(recorded(scenario), scenario).into(models(rules)[service])
    try:
        Golden(STREAMS / "0.1.0").hold(f"{scenario}.{service}.ndjson", outcome.events)
    except NotAsExpected as error:
        return str(error)
    return ""


def mutations(service: str) -> Iterator[tuple[str, list[str | int], Any]]:
    """Yield what is changed: a name, the path to a place in the rules, and what is put there (None: taken away)."""
    rules = shipped(service)
    for part in ("lines", "mediation_bars", "skills"):
        for n, entry in enumerate(rules.get(part, ())):
            name = entry.get("code") or entry["skill"]
            yield f"without {name}", [part, n], None
            for path, value in _changes(entry):
                yield f"{name}: {'.'.join(map(str, path))} {value}", [part, n, *path], value
    for key in ("trained_within_days", "record_checked_within_days"):
        if key in rules:
            yield f"{key} 30", [key], 30


def _changes(entry: Entry) -> Iterator[tuple[list[str | int], Any]]:
    if entry.get("grade") in LOWER:
        yield ["grade"], LOWER[entry["grade"]]
    if "basis" in entry:
        yield ["basis"], OTHER_BASIS[entry["basis"]]
    for key in ("acknowledge", "finish"):
        if key in entry:
            yield [key, "within"], _longer(entry[key]["within"])
    for n, faster in enumerate(entry.get("faster_finish", ())):
        yield ["faster_finish", n, "within"], _longer(faster["within"])
    for key in ("duty_for_child", "green_channel", "certificate"):
        if key in entry:
            yield [key], None
    yield from _thresholds(entry["when"], ["when"])


def _thresholds(value: Any, path: list[str | int]) -> Iterator[tuple[list[str | int], Any]]:
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, one in inner:
        if key in {"at_least", "at_most", "within_days"}:
            yield [*path, key], one + (-1 if key != "at_least" else 1)
        else:
            yield from _thresholds(one, [*path, key])


def _longer(within: str) -> str:
    figure, unit = re.fullmatch(r"(\d+)(\w+)", within).groups()  # type: ignore[union-attr]
    return f"{int(figure) + 1}{unit}"


def mutated(service: str, path: list[str | int], value: Any) -> Any:
    """Return rules with one place changed."""
    rules = yaml.safe_load(yaml.safe_dump(shipped(service)))
    *parents, last = path
    place = rules
    for parent in parents:
        place = place[parent]
    if value is None:
        del place[last]
    else:
        place[last] = value
    return rules


ALL = [(service, *mutation) for service in RULES for mutation in mutations(service)]


@pytest.mark.parametrize(("service", "name", "path", "value"), ALL, ids=[f"{one[0]}: {one[1]}" for one in ALL])
def test_a_changed_rule_is_caught(tmp_path: Path, service: str, name: str, path: list[str | int], value: Any) -> None:
    text = yaml.safe_dump(mutated(service, path, value), allow_unicode=True)
    (tmp_path / RULES[service]).write_text(text, encoding="utf-8")
    assert any(difference(scenario, service, tmp_path) for scenario in SCENARIOS), f"nobody notices: {name}"


def test_rules_that_are_written_again_change_nothing(tmp_path: Path) -> None:
    for service, file in RULES.items():
        (tmp_path / file).write_text(yaml.safe_dump(shipped(service), allow_unicode=True), encoding="utf-8")
        assert [difference(scenario, service, tmp_path) for scenario in SCENARIOS] == [""] * len(SCENARIOS)


@pytest.mark.parametrize(
    ("service", "path", "value", "scenario", "words"),
    [
        (
            "referral",
            ["lines", 3, "acknowledge", "within"],
            "2h",
            "violence_red",
            [
                "1 changed",
                "referral.requested of case",
                'data.acknowledge_by: expected "2026-03-08T07:50:00Z", found "2026-03-08T08:50:00Z"',
            ],
        ),
        (
            "referral",
            ["lines", 1, "basis"],
            "consent",
            "child_case",
            ["missing: event", 'data.purpose: "file_and_supervise"', "extra: event", "consent.needed"],
        ),
        (
            "intake",
            ["lines", 1, "grade"],
            "orange",
            "every_risk",
            ["changed: event", "report.received", 'data.case.grade: expected "red", found "orange"', "risk.escalated"],
        ),
        (
            "volunteer",
            ["record_checked_within_days"],
            30,
            "violence_red",
            [
                'data.volunteer_id: expected "v001", found "v057"',
                "missing: event",
                "volunteer.assigned",
                "extra: event",
                "volunteer.none_eligible",
            ],
        ),
    ],
)
def test_a_difference_says_where(
    tmp_path: Path, service: str, path: list[str | int], value: Any, scenario: str, words: list[str]
) -> None:
    text = yaml.safe_dump(mutated(service, path, value), allow_unicode=True)
    (tmp_path / RULES[service]).write_text(text, encoding="utf-8")
    told = difference(scenario, service, tmp_path)
    for word in words:
        assert word in told
