"""What the page for partners prints works as it stands there: every call of curl, and both programs."""

import json
import os
import re
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from services.feed.signature import signed
from tests.support.system import ROOT, System, wait_until

PAGE = ROOT / "docs" / "how-to" / "subscribe-as-a-partner.md"
WEEK = ROOT / "deploy" / "sample" / "week"
REPORTS = 30
#: How long a stream is read that does not end by itself.
STREAM_SECONDS = 10


def block(language: str, word: str) -> str:
    """Return the printed block of a language in which a word stands."""
    printed = re.findall(rf"```{language}\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    (found,) = [text for text in printed if word in text]
    return str(found)


class Partner:
    """The police of the sample week, with what the page says that it was given."""

    def __init__(self, city: System) -> None:
        said = city.niangjia("agencies", "add", "police", "--contract", "police", "--district", "33", "--json")
        assert said.returncode == 0, said.stderr
        self.secrets = json.loads(said.stdout)
        lines = (WEEK / "reports.jsonl").read_text(encoding="utf-8").splitlines()[:REPORTS]
        assert city.niangjia("ingest", "/dev/stdin", stdin="\n".join(lines)).returncode == 0
        drained = city.niangjia("drain", "--timeout", "60")
        assert drained.returncode == 0, drained.stdout
        self.events = list(self.printed("events?after=0")["events"])
        self.number = next(int(event["sequence"]) for event in self.events if "dataref" in event)

    def run(self, word: str, seconds: float = 30) -> str:
        """Run the calls of curl in which a word stands, and return what they print."""
        door = self.secrets["http"]
        given = {"FEED": door["url"], "TOKEN": door["token"], "NUMBER": str(getattr(self, "number", 0))}
        ended = subprocess.run(
            ["timeout", str(seconds), "bash", "-euc", block("sh", word)],
            env={**os.environ, **given, "no_proxy": "*"},
            capture_output=True,
            text=True,
            check=False,
        )
        assert ended.returncode in {0, 124}, ended.stderr
        return ended.stdout

    def printed(self, word: str) -> Any:
        """Return the JSON that the last of these calls prints."""
        said, rest = self.run(word), None
        while said := said.strip():
            rest, end = json.JSONDecoder().raw_decode(said)
            said = said[end:]
        return rest


@pytest.fixture(scope="module")
def police(city: System) -> Partner:
    return Partner(city)


def test_deliveries_are_read_page_by_page(police: Partner) -> None:
    assert len(police.events) > 5
    assert [int(event["sequence"]) for event in police.events] == list(range(1, len(police.events) + 1))
    assert '"next":' in police.run("events?after=0")


def test_deliveries_are_read_as_they_are_made(police: Partner) -> None:
    said = police.run("/stream", STREAM_SECONDS)

    ids = [int(number) for number in re.findall(r"^id: ?(\d+)$", said, re.MULTILINE)]
    assert ids == [int(event["sequence"]) for event in police.events]
    data = [json.loads(line) for line in re.findall(r"^data: ?(\{.*\})$", said, re.MULTILINE)]
    assert data[: len(ids)] == police.events


def test_a_stream_is_read_with_kombu(police: Partner, tmp_path: Path) -> None:
    (tmp_path / "read.py").write_text(block("python", "from kombu"), encoding="utf-8")
    amqp = police.secrets["amqp"]
    said = tmp_path / "said"
    with said.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "read.py"],
            cwd=tmp_path,
            env={**os.environ, "PYTHONUNBUFFERED": "1", "AMQP_URI": amqp["uri"], "STREAM": amqp["stream"]},
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        # a line is there when its end is: the program prints it in pieces
        wait_until(lambda: said.read_text().count("\n") >= len(police.events), "all to be read")
    finally:
        process.terminate()
        process.wait(20)

    rows = [line.split(" ", 3) for line in said.read_text().splitlines()]
    assert [(int(row[0]), row[1]) for row in rows] == [
        (int(event["sequence"]), event["type"]) for event in police.events
    ]
    assert [repr(event["data"]) for event in police.events] == [data for *_, data in rows]


def test_who_she_is_can_be_fetched(police: Partner) -> None:
    told = police.printed("/fields")

    assert told["number"] == police.number
    assert told["fields"]["client"]["name"]
    event = police.events[police.number - 1]
    assert event["dataref"] == f"{police.secrets['http']['url']}/deliveries/{police.number}/fields"
    assert told["fields"]["client"]["name"] not in json.dumps(police.events, ensure_ascii=False)


def test_a_receipt_is_taken_and_shown(police: Partner, city: System) -> None:
    assert police.printed("/receipts") == {"number": police.number, "receipt": "received"}

    shown = json.loads(city.niangjia("agencies", "show", "police", "--json").stdout)
    assert (shown["last_receipt"]["number"], shown["last_receipt"]["receipt"]) == (police.number, "received")


def test_what_was_delivered_comes_again_when_it_is_asked_for(police: Partner) -> None:
    assert police.printed("/replays")["sent"] == 1

    again = police.printed("events?after=0")["events"][-1]
    first = police.events[police.number - 1]
    assert again["replayof"] == first["sequence"]
    assert again["id"] == first["id"]
    assert again["data"] == first["data"]


def test_a_webhook_is_known_by_its_signature() -> None:
    names: dict[str, Any] = {}
    exec(block("python", "def is_ours"), names)
    is_ours = names["is_ours"]
    secret, another = "whsec_c2VjcmV0IHNlY3JldCBzZWNyZXQ=", "whsec_YW5vdGhlciBzZWNyZXQgaGVyZS4="
    now, body = datetime.now(UTC), b'{"specversion": "1.0"}'

    assert is_ours(signed("an id", now, body, [secret]), body, secret)
    assert is_ours(signed("an id", now, body, [another, secret]), body, secret), "the secret is being changed"
    assert not is_ours(signed("an id", now, body, [another]), body, secret)
    assert not is_ours(signed("an id", now, body, [secret]), body + b" ", secret)
    assert not is_ours(signed("an id", datetime.fromtimestamp(time.time() - 600, UTC), body, [secret]), body, secret)
