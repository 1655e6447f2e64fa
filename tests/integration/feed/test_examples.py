"""The examples that partners copy: each against a real system and its sandbox, and each in the kit."""

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.support.system import ROOT, System, free_port, wait_until

EXAMPLES = ROOT / "docs" / "examples" / "feed"
LINES_AT_MOST = 59
#: Deliveries of the sample week for a police of the province: its referrals and the cases that became red.
SOME = 20


@dataclass(frozen=True)
class Example:
    """How one is started, and by what it is fed."""

    program: str
    file: str
    way: str

    def command(self) -> list[str]:
        program = sys.executable if self.program == "python" else shutil.which(self.program)
        # java alone runs no source
        if program is None or (self.program == "java" and not shutil.which("javac")):
            said = f"{self.program} is missing: see .ci/run"
            pytest.fail(said) if os.environ.get("CI") else pytest.skip(said)
        return [program, str(EXAMPLES / self.file)]


EXAMPLE = {
    "python": Example("python", "stream.py", "amqp"),
    "node": Example("node", "sse.mjs", "http"),
    "java": Example("java", "Webhook.java", "webhook"),
}
each_example = pytest.mark.parametrize("name", EXAMPLE)


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    # an example that has not started yet when it is called first is called again soon
    delays = ",".join(["1"] * 60)
    variables = {
        "NIANGJIA_WEBHOOK_PRIVATE": "127.0.0.0/8",
        "NIANGJIA_WEBHOOK_DELAYS": delays,
        "NIANGJIA_HEARTBEAT": "1",
    }
    with System(tmp_path_factory.mktemp("city"), variables=variables) as system:
        system.start_all()
        yield system


class Running:
    """An example that runs."""

    def __init__(self, example: Example, folder: Path, variables: Mapping[str, str]) -> None:
        self._log = folder / "said"
        self._command = example.command()
        self._environment = {**os.environ, **variables, "FEED_STATE": str(folder / "state")}
        self._start()

    def __enter__(self) -> "Running":
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    def kill(self) -> None:
        # the program, and where it is a script of a package, what that has started
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait(20)

    def start_again(self) -> None:
        self.kill()
        self._start()

    @property
    def numbers(self) -> list[int]:
        """What it says to have handled, in the order in which it did."""
        numbers = []
        for line in self._log.read_text(encoding="utf-8").splitlines():
            if line.startswith("{"):
                numbers.append(int(json.loads(line).get("sequence", 0)))
            elif line.split(" ")[0].isdigit():
                numbers.append(int(line.split(" ")[0]))
        return numbers

    @property
    def said(self) -> str:
        return self._log.read_text(encoding="utf-8")

    def _start(self) -> None:
        with self._log.open("a") as log:
            self._process = subprocess.Popen(
                self._command,
                env=self._environment,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )


def niangjia(city: System, *arguments: str) -> str:
    done = city.niangjia("agencies", *arguments)
    assert done.returncode == 0, done.stderr
    return done.stdout


def receipted(city: System, agency: str) -> set[int]:
    found = city.database("feed")["delivery"].find(
        {"state.agency": agency, "state.receipts.received": {"$exists": True}}
    )
    return {row["state"]["number"] for row in found}


def last(city: System, agency: str) -> int:
    number: int = json.loads(niangjia(city, "show", agency, "--json"))["last"]
    return number


@each_example
def test_an_example_is_short_and_says_what_it_reads(name: str) -> None:
    text = (EXAMPLES / EXAMPLE[name].file).read_text(encoding="utf-8")
    lines = text.splitlines()

    assert len(lines) <= LINES_AT_MOST
    assert all(len(line) <= 120 for line in lines)
    top = "\n".join(lines[:9])
    assert all(variable in top for variable in ("FEED_URL", "FEED_TOKEN_FILE", "FEED_STATE"))


@each_example
def test_an_example_handles_the_sample_week_and_goes_on_where_it_was_killed(
    city: System, name: str, tmp_path: Path
) -> None:
    example, agency, port = EXAMPLE[name], f"{name}-police", free_port()
    example.command()
    webhook = ["--webhook", f"http://127.0.0.1:{port}/"] if example.way == "webhook" else []
    added = niangjia(city, "add", agency, "--contract", "police", "--district", "33", "--sandbox", "--json", *webhook)
    doors: dict[str, Any] = json.loads(added)
    (tmp_path / "token").write_text(f"{doors['http']['token']}\n")
    variables = {
        "FEED_URL": doors["http"]["url"],
        "FEED_TOKEN_FILE": str(tmp_path / "token"),
        "FEED_AMQP": doors["amqp"]["uri"],
        "FEED_STREAM": doors["amqp"]["stream"],
        "WEBHOOK_SECRET": doors.get("webhook_secret") or "",
        "PORT": str(port),
    }

    with Running(example, tmp_path, variables) as running:
        niangjia(city, "rehearse", agency)
        first = last(city, agency)
        assert first > SOME
        _wait(city, agency, first, running)
        running.start_again()
        niangjia(city, "rehearse", agency)
        second = last(city, agency)
        assert second == 2 * first
        _wait(city, agency, second, running)
        # with new keys it goes on, once they are where it looks for them
        keys = json.loads(niangjia(city, "rotate-keys", agency, "--now", "--json"))
        (tmp_path / "token").write_text(f"{keys['http']['token']}\n")
        if example.way == "http":
            niangjia(city, "rehearse", agency)
            _wait(city, agency, 3 * first, running)

    # killed between its receipt and its own file, it does the last one again
    handled = list(dict.fromkeys(running.numbers))
    assert handled == list(range(1, len(handled) + 1))
    assert len(running.numbers) <= len(handled) + 1
    if example.way != "webhook":
        assert "client" in running.said, "nobody's fields were fetched"


def _wait(city: System, agency: str, number: int, running: Running) -> None:
    everything = set(range(1, number + 1))
    try:
        wait_until(lambda: receipted(city, agency) == everything, f"receipts up to {number}", 100)
    except AssertionError as error:
        raise AssertionError(f"{error}\n{running.said[-3000:]}") from None


@each_example
def test_an_example_passes_the_kit(name: str, tmp_path: Path) -> None:
    example, port = EXAMPLE[name], free_port()
    way = {
        "amqp": ["--broker", os.environ["AMQP_URI"]],
        "webhook": ["--webhook", f"http://127.0.0.1:{port}/"],
        "http": [],
    }[example.way]
    command = [sys.executable, "-m", "deploy.cli", "agencies", "check", "--json", *way, "--", *example.command()]
    environment = {**os.environ, "PORT": str(port), "FEED_STATE": str(tmp_path / "state")}

    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=200, check=False)

    assert done.returncode == 0, done.stdout + done.stderr


def test_a_sandbox_alone_rehearses(city: System) -> None:
    niangjia(city, "add", "real-court", "--contract", "court", "--district", "33")
    niangjia(city, "add", "other-court", "--contract", "court", "--district", "33", "--sandbox")
    niangjia(city, "add", "slow-court", "--contract", "court", "--district", "33", "--sandbox")

    refused = city.niangjia("agencies", "rehearse", "real-court")
    nobody = city.niangjia("agencies", "rehearse", "nobody")
    niangjia(city, "rehearse", "other-court")
    niangjia(city, "rehearse", "slow-court", "--speed", "1000000")

    assert refused.returncode == 1
    assert "only a sandbox takes invented ones" in refused.stderr
    assert "there is no agency nobody" in nobody.stderr
    assert last(city, "real-court") == 0
    assert last(city, "other-court") == last(city, "slow-court") > 0
    assert [_seen(row) for row in _deliveries(city, "other-court")] == [
        _seen(row) for row in _deliveries(city, "slow-court")
    ]


def _deliveries(city: System, agency: str) -> list[dict[str, Any]]:
    found = city.database("feed")["delivery"].find({"state.agency": agency}).sort("_id", 1)
    return [row["state"] for row in found]


def _seen(state: Mapping[str, Any]) -> tuple[Any, ...]:
    return state["number"], state["type"], state["subject"], state["data"]


def test_an_agency_reads_its_contract(city: System) -> None:
    added = niangjia(city, "add", "reading-court", "--contract", "court", "--district", "3303", "--sandbox", "--json")
    door = json.loads(added)["http"]
    session = requests.Session()
    session.trust_env = False
    session.headers["Authorization"] = f"Bearer {door['token']}"

    program = session.get(f"{door['url']}/contract", timeout=10)
    person = session.get(
        f"{door['url']}/contract", headers={"Accept": "text/html", "Accept-Language": "en-GB"}, timeout=10
    )

    assert program.headers["Content-Type"] == "application/json"
    assert program.json()["id"] == "urn:niangjia:feed:reading-court"
    assert program.json()["channels"]["events"]["address"] == "/feeds/reading-court/stream"
    assert person.headers["Content-Type"] == "text/html; charset=utf-8"
    assert person.headers["Content-Language"] == "en"
    assert "This is a sandbox." in person.text
    assert "<code>protection_order</code>" in person.text
