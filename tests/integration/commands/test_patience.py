"""Services, broker and database may go away while the commands work; what cannot be done is said in one line."""

import json
import subprocess
import sys
import time
from itertools import count
from pathlib import Path
from typing import Any

import orjson
import pytest

from deploy.sample import WEEK
from tests.integration.commands.conftest import done, objects, objects_in
from tests.support.system import System, wait_until

NOWHERE = "127.0.0.1:1"


def reports(number: int) -> list[bytes]:
    """Return reports on as many clients."""
    first = objects_in(WEEK / "reports.jsonl")[0]
    made = []
    for n in range(number):
        client = {"name": f"某{n}", "phone": f"1380001{n:04}"}
        made.append(orjson.dumps({**first, "report_key": f"patience-{next(KEYS)}", "client": client, "accused": None}))
    return made


KEYS = count()


def start_ingest(city: System, file: Path, said: Path, *options: str) -> "subprocess.Popen[str]":
    """Start it; what it says on the way goes into `said`."""
    with said.open("wb") as errors:
        return subprocess.Popen(
            [sys.executable, "-m", "deploy.cli", "ingest", str(file), "--json", *options],
            cwd=city.folder,
            env=city.environment(),
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        )


def left(city: System, timeout: str = "0") -> list[dict[str, Any]]:
    """Return what drain says is left when its time is over."""
    ended = city.niangjia("drain", "--timeout", timeout, "--json")
    assert ended.returncode == 1
    return list(json.loads(ended.stdout)["left"])


@pytest.mark.parametrize("concurrency", ["1", "4"])
def test_a_service_may_be_killed_while_reports_go_in(city: System, tmp_path: Path, concurrency: str) -> None:
    file, said = tmp_path / "reports.jsonl", tmp_path / "said"
    lines = reports(400)
    file.write_bytes(b"\n".join(lines) + b"\n")
    before = len(objects(done(city.niangjia("outcomes"))))

    city.kill("intake")
    ingest = start_ingest(city, file, said, "--concurrency", concurrency)
    wait_until(lambda: "intake does not answer at" in said.read_text(), "it to find nobody there")
    time.sleep(2)
    city.start("intake")
    time.sleep(0.2)
    city.kill("intake")
    city.start("intake")
    out, _ = ingest.communicate(timeout=120)

    assert ingest.returncode == 0, said.read_text()
    assert "sending again" in said.read_text()
    assert json.loads(out)["accepted"] == 400
    done(city.niangjia("drain", "--timeout", "60"))
    rows = objects(done(city.niangjia("outcomes")))
    assert len(rows) - before == 400
    keys = [row["report_key"] for row in rows][before:]
    assert sorted(keys) == sorted(orjson.loads(line)["report_key"] for line in lines)
    if concurrency == "1":
        entries = city.database("intake")["journal"].find({"events.type": "report.received"}).sort("_id", 1)
        assert len(list(entries)) == before + 400
        # all were received at the same moment, so the rows stand in the order of arrival
        assert keys == [orjson.loads(line)["report_key"] for line in lines]
    done(city.niangjia("verify"))


def test_a_service_that_stays_away_is_named_in_time(city: System, tmp_path: Path) -> None:
    file = tmp_path / "reports.jsonl"
    file.write_bytes(reports(1)[0])

    ended = city.niangjia("ingest", str(file), "--timeout", "1", NIANGJIA_INTAKE_URL=f"http://{NOWHERE}")

    assert ended.returncode == 1
    *waiting, last = ended.stderr.splitlines()
    assert waiting
    assert last.startswith(f"niangjia: intake does not answer at http://{NOWHERE} (waited 1 s)")


def test_lines_that_cannot_be_reports_hold_up_no_other(city: System, tmp_path: Path) -> None:
    file, rejects = tmp_path / "mixed.jsonl", tmp_path / "rejects"
    good = reports(2)
    bad = b'{"report_key": "x", "narrative": "\xe6\x9f\x90\xe5\xa5\xb3\xe5\xa3\xab"}'
    lines = [b"\xef\xbb\xbf" + good[0], b"", b"no json", bad, b'{"a":\r 1}', b"\xff\xfe", b"[]", b"   ", good[1]]
    file.write_bytes(b"\n".join(lines))

    ended = city.niangjia("ingest", str(file), "--rejects", str(rejects), "--json")

    assert ended.returncode == 1
    assert json.loads(ended.stdout)["accepted"] == 2
    refused = objects_in(rejects)
    assert [(row["line"], row["status"]) for row in refused] == [(3, 400), (4, 422), (5, 400), (6, 400), (7, 422)]
    assert {row["file"] for row in refused} == {str(file)}
    assert all(set(row) == {"file", "line", "field", "reason", "status"} for row in refused)
    assert "channel" in refused[1]["field"] + refused[1]["reason"]
    assert "某女士" not in rejects.read_text(encoding="utf-8")

    file.write_bytes(good[0])
    done(city.niangjia("ingest", str(file), "--rejects", str(rejects)))
    assert not rejects.exists()


@pytest.mark.parametrize(
    ("arguments", "variables", "words"),
    [
        (("drain", "--timeout", "0"), {"AMQP_URI": f"amqp://guest:guest@{NOWHERE}//"}, "the broker is away"),
        (("drain", "--timeout", "0"), {"MONGO_URI": f"mongodb://{NOWHERE}"}, "the database is away"),
        (("outcomes",), {"MONGO_URI": f"mongodb://{NOWHERE}"}, "the database is away"),
        (("verify",), {"MONGO_URI": f"mongodb://{NOWHERE}"}, "the database is away"),
        (("dead-letters", "list"), {"AMQP_URI": f"amqp://guest:guest@{NOWHERE}//"}, "the broker is away"),
        (("events", "export", "--service", "intake"), {"MONGO_URI": f"mongodb://{NOWHERE}"}, "the database is away"),
    ],
)
def test_what_is_away_is_named(city: System, arguments: tuple[str, ...], variables: dict[str, str], words: str) -> None:
    ended = city.niangjia(*arguments, **variables)

    assert words in " ".join((ended.stdout + ended.stderr).split())
    assert "Traceback" not in ended.stderr
    assert ended.returncode == (0 if arguments == ("dead-letters", "list") else 1)


def test_drain_says_what_is_left_when_a_service_is_down(city: System) -> None:
    done(city.niangjia("drain"))
    city.kill("volunteer")
    done(city.niangjia("ingest", "/dev/stdin", stdin=reports(1)[0].decode()))

    wait_until(lambda: {one["service"] for one in left(city)} == {"volunteer"}, "the others to finish")

    found = {(one["service"], one["what"]): one["count"] for one in left(city, "2")}
    assert found[("volunteer", "messages in the queue")] == 1
    assert found[("volunteer", "events to take")] > 0
    assert {service for service, _ in found} == {"volunteer"}
    city.start("volunteer")
    done(city.niangjia("drain"))


def test_drain_does_not_wait_for_notices_where_sending_is_off(city: System) -> None:
    city.kill("notification")
    city.start("notification", NIANGJIA_OUTBOX="off")
    told = next(row["report_key"] for row in objects_in(WEEK / "expected.jsonl") if row["client_channel"] == "phone")
    report = next(report for report in objects_in(WEEK / "earlier.jsonl") if report["report_key"] == told)
    done(city.niangjia("ingest", "/dev/stdin", stdin=json.dumps(report)))

    wait_until(lambda: [one["what"] for one in left(city)] == ["notices to send"], "all else to finish")
    assert [one["what"] for one in left(city, "3")] == ["notices to send"]
    done(city.niangjia("drain", NIANGJIA_OUTBOX="off"))

    city.kill("notification")
    city.start("notification")
    done(city.niangjia("drain"))
