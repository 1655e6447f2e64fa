"""The programs in the how-to for listeners of the house work as they are printed there."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from kombu import Connection

from shared.runtime.auth import Role
from tests.support.system import ROOT, System, wait_until

PAGE = ROOT / "docs" / "how-to" / "listen-within-the-house.md"
REPORT = {
    "channel": "hotline_12338",
    "received_at": "2026-03-09T09:00:00+08:00",
    "district": "330302",
    "category": "domestic_violence",
    "narrative": "…",
    "immediate_danger": True,
}


def program(word: str, namespace: str) -> str:
    """Return the printed program in which `word` stands, as it would be for a system with a namespace."""
    printed = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    (found,) = [text for text in printed if word in text]
    return found.replace('"intake', f'"{namespace}.intake').replace('"grade_counter"', f'"{namespace}_counter"')


@pytest.fixture(scope="module")
def intake(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    folder = tmp_path_factory.mktemp("partner")
    with System(folder, services={"intake": "services.intake.service"}) as system:
        system.start_all()
        yield system


@contextmanager
def running(command: list[str], folder: Path, queue: str, system: System) -> Iterator[Path]:
    """Run a partner's program; it consumes when the block begins. Gives the file with what it prints."""
    said = folder / "said"
    with said.open("wb") as output:
        process = subprocess.Popen(
            command,
            cwd=folder,
            env={**os.environ, "PYTHONUNBUFFERED": "1", "AMQP_URI": system.amqp_uri},
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    with Connection(system.amqp_uri) as connection:
        try:
            wait_until(lambda: is_consumed(connection, queue), f"{queue} to be consumed")
            yield said
        finally:
            process.terminate()
            process.wait(20)
            connection.channel().queue_delete(queue)


def is_consumed(connection: Connection, queue: str) -> bool:
    """Tell whether somebody consumes a queue: only then is it bound, too."""
    try:
        return bool(connection.channel().queue_declare(queue, passive=True).consumer_count)
    except connection.channel_errors:
        return False


def send(system: System, key: str) -> dict[str, Any]:
    answer = system.client(Role.OPERATOR).post("intake", "/reports", json={**REPORT, "report_key": key})
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


def test_a_plain_nameko_handler_takes_the_data(intake: System, tmp_path: Path) -> None:
    (tmp_path / "counter.py").write_text(program("event_handler", intake.namespace), encoding="utf-8")
    name = f"{intake.namespace}_counter"
    queue = f"evt-{intake.namespace}.intake-risk.escalated--{name}.on_escalated"
    nameko = Path(sys.executable).with_name("nameko")
    command = [str(nameko), "run", "counter", "--broker", intake.amqp_uri]

    with running(command, tmp_path, queue, intake) as said:
        case = send(intake, "to-nameko")["case_id"]
        wait_until(lambda: f"{case} 330302 blue -> red" in said.read_text(), "the handler to be called")


def test_a_kombu_consumer_takes_headers_and_data(intake: System, tmp_path: Path) -> None:
    (tmp_path / "events.py").write_text(program("from kombu", intake.namespace), encoding="utf-8")
    command = [sys.executable, "events.py"]

    with running(command, tmp_path, f"{intake.namespace}_counter", intake) as said:
        case = send(intake, "to-kombu")["case_id"]
        wait_until(lambda: said.read_text().count("\n") == 2, "both events to come")

    journal = intake.database("intake")["journal"]
    entry = journal.find_one({"events.case": case})
    assert entry is not None
    wanted = [
        f"{entry['_id'] + n:016} {event['type']} {event['id']} {json.loads(event['data'])['grade']}"
        for n, event in enumerate(entry["events"])
        if event["type"].startswith("risk.")
    ]
    assert said.read_text().splitlines() == wanted
