"""What was caused is told as a whole: what was sent, handled, tried again, given up, and what nobody listens to."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from shared.runtime.auth import Role
from tests.support.system import System, wait_until
from tests.support.tracker import DEAD, HANDLED, NOBODY, Caused, tracked

#: Hears intake in the place of referral, and fails on the cases that a file names.
LISTENER = {"intake": "services.intake.service", "referral": "tests.integration.runtime.toy_listener"}
#: Of calls for legal advice, each by another client.
REPORTS = [
    {
        "report_key": f"caused-{n}",
        "channel": "hotline_12338",
        "received_at": "2026-03-02T09:14:00+08:00",
        "district": "330302",
        "client": {"name": f"施某{n}", "phone": f"138000010{n:02d}"},
        "narrative": "…",
        "reporter": {"role": "self"},
        "wishes": ["legal_advice"],
        "consent": {"agencies": ["justice"], "given_at": "2026-03-02T09:20:00+08:00"},
    }
    for n in range(10)
]


@pytest.fixture(scope="module")
def failing(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file of cases on which the listener fails; "*" are all."""
    return tmp_path_factory.mktemp("rules") / "failing"


@pytest.fixture(scope="module")
def listener(tmp_path_factory: pytest.TempPathFactory, failing: Path) -> Iterator[System]:
    folder = tmp_path_factory.mktemp("listener")
    with System(folder, services=LISTENER, variables={"NIANGJIA_RULES": str(failing.parent)}) as system:
        system.start_all()
        yield system


def receive(system: System, number: int) -> str:
    """Let a report come in; return the id of its case."""
    answer = system.client(Role.OPERATOR).post("intake", "/reports", json=REPORTS[number])
    answer.raise_for_status()
    return str(answer.json()["case_id"])


def fates(caused: Caused, type: str) -> dict[str, str]:
    return {step.service: step.fate for step in caused.steps if step.event.type == type}


def test_all_that_a_report_causes_is_waited_for_and_listed(city: System) -> None:
    with tracked(city) as caused:
        case = receive(city, 0)

    assert {event.correlation for event in caused.sent} == {case}
    assert fates(caused, "report.received") == {"notification": HANDLED, "referral": HANDLED, "volunteer": HANDLED}
    assert fates(caused, "case.created") == {"feed": HANDLED}
    assert fates(caused, "notice.held") == {"": NOBODY}
    assert not caused.retried
    assert not caused.dead
    assert {event.source for event in caused.sent} >= {"intake", "notification", "volunteer"}


def test_what_is_caused_is_told_as_a_tree(city: System) -> None:
    with tracked(city) as caused:
        receive(city, 1)

    lines = str(caused).splitlines()
    assert lines[0].startswith("caused by ")
    received = next(n for n, line in enumerate(lines) if line.startswith("└─ report.received "))
    assert lines[received + 1 : received + 4] == [
        f"   {name}: handled" for name in ("notification", "referral", "volunteer")
    ]
    assert any(line.startswith("   └─ referral.requested ") for line in lines)
    assert f"      {NOBODY}" in lines


def test_of_all_that_happened_what_one_cause_brought_can_be_told(city: System) -> None:
    with tracked(city) as caused:
        cases = [receive(city, 2), receive(city, 3)]

    causes = list(dict.fromkeys(event.causation for event in caused.sent if event.source == "intake"))
    parts = [caused.by(cause) for cause in causes]

    assert [{event.correlation for event in part.sent} for part in parts] == [{case} for case in cases]
    assert sum(len(part.sent) for part in parts) == len(caused.sent)
    assert sum(len(part.steps) for part in parts) == len(caused.steps)


def test_what_failed_and_went_well_at_last_is_known(listener: System, failing: Path) -> None:
    failing.write_text("*")
    with tracked(listener) as caused:
        receive(listener, 4)
        parked = listener.database("referral")["parked"]
        wait_until(lambda: parked.find_one({"attempts": {"$gte": 1}}), "an event to fail")
        failing.unlink()

    (step,) = caused.retried
    assert (step.service, step.fate, step.event.type) == ("referral", HANDLED, "report.received")
    assert 1 <= step.failed <= 4
    assert "KeyError" in step.reason
    assert f"   referral: handled after {step.failed} failed tr" in str(caused)


def test_what_was_given_up_is_listed_and_not_waited_for(listener: System, failing: Path) -> None:
    failing.write_text("*")
    with tracked(listener) as caused:
        receive(listener, 5)
    failing.unlink()

    (step,) = caused.dead
    assert (step.service, step.fate, step.failed) == ("referral", DEAD, 4)
    assert "referral: dead letter after 4 failed tries (KeyError in Toy.decide:" in str(caused)


def test_what_does_not_finish_fails_and_is_told(listener: System) -> None:
    listener.kill("referral")
    with pytest.raises(AssertionError) as error, tracked(listener, patience=2):
        receive(listener, 6)
    listener.start("referral")
    with tracked(listener):
        pass  # what was left is taken before it ends, so that no later test finds it among what it caused

    assert "waited 2 s" in str(error.value)
    assert "referral: not taken" in str(error.value)
    assert "not finished: referral: " in str(error.value)


def test_where_nothing_happens_nothing_is_caused(listener: System) -> None:
    with tracked(listener) as caused:
        pass
    assert str(caused) == "nothing was caused"
