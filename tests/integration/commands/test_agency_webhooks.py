"""What drain waits for, and what operators see and do, of agencies that are called."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from deploy.sample import WEEK
from tests.integration.commands.conftest import done
from tests.support.hook import Hook
from tests.support.system import System, wait_until

REPORTS = 30
#: Nobody waits for the second try here.
DELAYS = ",".join(["600"] * 9)
GONE, BROKEN, TAKEN = 410, 500, 204


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """A city whose webhooks may be on this machine."""
    variables = {"NIANGJIA_WEBHOOK_PRIVATE": "127.0.0.0/8", "NIANGJIA_WEBHOOK_DELAYS": DELAYS}
    with System(tmp_path_factory.mktemp("called"), variables=variables) as system:
        system.start_all()
        yield system


@pytest.fixture(scope="module")
def hooks(city: System) -> Iterator[dict[str, Hook]]:
    """Agencies that take what comes, do not answer well, and want no more; after some reports, and a drain."""
    with (
        Hook(lambda _: TAKEN) as well,
        Hook(lambda _: BROKEN) as broken,
        Hook(lambda _: GONE) as gone,
    ):
        found = {"well": well, "broken": broken, "gone": gone}
        for name, hook in found.items():
            arguments = ("--contract", "police", "--district", "33", "--webhook", hook.url, "--no-stream")
            done(city.niangjia("agencies", "add", name, *arguments))
        lines = (WEEK / "reports.jsonl").read_text(encoding="utf-8").splitlines()[:REPORTS]
        done(city.niangjia("ingest", "/dev/stdin", stdin="\n".join(lines)))
        done(city.niangjia("drain", "--timeout", "60"))
        yield found


def shown(city: System, name: str) -> dict[str, Any]:
    return dict(json.loads(done(city.niangjia("agencies", "show", name, "--json"))))


def test_drained_means_that_everything_was_taken(city: System, hooks: dict[str, Hook]) -> None:
    last = shown(city, "well")["last"]

    assert last > 5
    assert [call.number for call in hooks["well"].calls] == list(range(1, last + 1))
    assert shown(city, "well")["webhook"]["number"] == last


def test_nobody_waits_for_an_agency_that_is_called_again_later(city: System, hooks: dict[str, Hook]) -> None:
    one = shown(city, "broken")

    assert [call.number for call in hooks["broken"].calls] == [1]
    assert (one["webhook"]["state"], one["webhook"]["number"], one["webhook"]["last_status"]) == ("on", 0, BROKEN)
    assert one["webhook"]["next_try_at"]
    assert "again at" in done(city.niangjia("agencies", "show"))


def test_a_webhook_that_was_given_up_is_found_and_called_again(city: System, hooks: dict[str, Hook]) -> None:
    hook = hooks["gone"]
    wait_until(lambda: shown(city, "gone")["webhook"]["state"] == "given_up", "it to be given up")
    assert [call.number for call in hook.calls] == [1]
    assert "given up" in done(city.niangjia("agencies", "show"))
    assert "given up: gone" in webhooks(city)["found"]

    hook.answer = lambda _: TAKEN
    assert done(city.niangjia("agencies", "webhook", "gone", "--on")) == "gone is called again\n"
    done(city.niangjia("drain", "--timeout", "30"))

    assert [call.number for call in hook.calls] == [1, *range(1, shown(city, "gone")["last"] + 1)]
    assert webhooks(city)["well"]


def webhooks(city: System) -> dict[str, Any]:
    """Return what the doctor finds about webhooks."""
    findings = json.loads(city.niangjia("doctor", "--json").stdout)
    (found,) = [finding for finding in findings if finding["name"] == "webhooks"]
    return dict(found)
