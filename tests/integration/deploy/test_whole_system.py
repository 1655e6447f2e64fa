"""One command starts everything, shows it, keeps its secrets and brings back what is killed."""

import os
import signal
import socket
import stat
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import requests
from amqp.exceptions import AccessRefused
from kombu import Connection, Queue
from pymongo import MongoClient

from shared.runtime.variables import SERVICES
from tests.integration.deploy.conftest import Installation
from tests.support.system import wait_until

BACK_AGAIN_SECONDS = 90


def all_well(installation: Installation) -> bool:
    status = installation.status()
    return all(service["healthy"] for service in status["services"].values())


def kill(installation: Installation, pid: int) -> None:
    """Kill a process of the system and return when all is well again."""
    os.kill(pid, signal.SIGKILL)
    wait_until(lambda: not Path(f"/proc/{pid}/cmdline").exists() or not _command(pid), "it to be gone")
    wait_until(lambda: all_well(installation), "all to be well again", BACK_AGAIN_SECONDS)


def _command(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


def health(url: str, token: str) -> requests.Response:
    return requests.get(f"{url}/health", headers={"Authorization": f"Bearer {token}"}, timeout=10)


def test_status_names_every_process_and_address(installation: Installation) -> None:
    status = installation.status()

    assert set(status) == {"services", "amqp_uri", "mongo_uri", "broker_pid", "database_pid"}
    assert set(status["services"]) == set(SERVICES)
    for service in status["services"].values():
        assert set(service) == {"pid", "http", "healthy"}
        assert service["healthy"] is True
        assert b"shared.runtime.run" in _command(service["pid"])
        assert service["http"].startswith("http://127.0.0.1:")
    # the broker and the database themselves, not something that watches over them
    assert b"beam" in _command(status["broker_pid"]).split(b"\0")[0]
    assert b"mongod" in _command(status["database_pid"]).split(b"\0")[0]


def test_who_answers_callers_goes_first(installation: Installation) -> None:
    niceness = {
        name: os.getpriority(os.PRIO_PROCESS, service["pid"])
        for name, service in installation.status()["services"].items()
    }

    assert niceness["intake"] == niceness["feed"] < min(niceness[name] for name in ("referral", "volunteer"))
    assert niceness["notification"] == niceness["volunteer"]


def test_addresses_are_good_for_a_client(installation: Installation) -> None:
    status = installation.status()

    with Connection(status["amqp_uri"], connect_timeout=5) as connection:
        connection.ensure_connection(max_retries=1)
    with MongoClient(status["mongo_uri"]) as client:
        assert client["niangjia_probe"]["probe"].insert_one({"_id": 1}).acknowledged
        client.drop_database("niangjia_probe")


def test_status_for_a_person_shows_no_password(installation: Installation) -> None:
    shown = installation.done("status")

    for name in SERVICES:
        assert name in shown
    assert installation.home.secret("broker.password") not in shown
    assert installation.home.secret("database.password") not in shown


def test_up_again_leaves_everything_as_it_runs(installation: Installation) -> None:
    installation.done("up")  # takes over whatever was changed in the code since the first test began
    before = installation.status()
    began = time.monotonic()

    installation.done("up")

    assert installation.status() == before
    assert time.monotonic() - began < 20


def test_a_token_opens_the_door(installation: Installation) -> None:
    url = installation.status()["services"]["intake"]["http"]
    token = installation.done("token", "--role", "operator").strip()

    assert health(url, token).status_code == 200
    assert requests.get(f"{url}/health", timeout=10).status_code == 401


def test_doctor_finds_nothing_wrong(installation: Installation) -> None:
    ended = installation.niangjia("doctor")

    assert ended.returncode == 0, ended.stdout
    assert "all is well" in ended.stdout


def test_secrets_are_for_their_owner_alone(installation: Installation) -> None:
    root = installation.folder
    files = list((root / "secrets").iterdir())

    assert {f"{name}.key" for name in ("token", "master", "index")} <= {path.name for path in files}
    for path in files:
        assert stat.S_IMODE(path.stat().st_mode) == 0o600, path
    for path in (root / "secrets", root / "data", root / "etc", root / "log", root / "run"):
        assert stat.S_IMODE(path.stat().st_mode) == 0o700, path
    for name in ("token", "master", "index"):
        assert len(bytes.fromhex((root / "secrets" / f"{name}.key").read_text().strip())) == 32


def secrets_of(installation: Installation) -> list[bytes]:
    names = ("broker.password", "database.password", "database-operator.password", "supervisor.password")
    keys = ("token.key", "master.key", "index.key", "database.keyfile")
    return [installation.home.secret(name).encode() for name in (*names, *keys)]


def test_no_secret_shows_in_a_command_an_environment_or_a_log(installation: Installation) -> None:
    seen: list[bytes] = []
    for pid in installation.processes():
        # the broker and its helpers call other programs, which end while they are looked at
        with suppress(FileNotFoundError, ProcessLookupError):
            seen += [Path(f"/proc/{pid}/{what}").read_bytes() for what in ("cmdline", "environ")]
    logs = [path.read_bytes() for path in (installation.folder / "log").iterdir()]
    assert len(seen) > 10
    assert logs

    for secret in secrets_of(installation):
        assert len(secret) > 20
        assert not any(secret in text for text in (*seen, *logs))


def open_files(pid: int) -> Iterator[str]:
    """Yield what a process has open; files are closed, and processes end, while they are looked at."""
    with suppress(FileNotFoundError):
        for link in Path(f"/proc/{pid}/fd").iterdir():
            with suppress(FileNotFoundError):
                yield str(link.readlink())


def listening(pids: list[int]) -> Iterator[str]:
    """Yield the addresses on which processes listen, as hexadecimal text of the kernel."""
    inodes = set()
    for pid in pids:
        for target in open_files(pid):
            if target.startswith("socket:["):
                inodes.add(target[8:-1])
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == "0A" and fields[9] in inodes:
                yield fields[1].partition(":")[0]


def test_nothing_listens_beyond_this_machine(installation: Installation) -> None:
    loopback = {"0100007F", "00000000000000000000000001000000"}

    addresses = list(listening(installation.processes()))

    assert len(addresses) >= 8
    assert set(addresses) <= loopback


def test_the_broker_has_no_user_that_everybody_knows(installation: Installation) -> None:
    port = installation.home.ports["broker"]

    with Connection(f"amqp://guest:guest@127.0.0.1:{port}//") as connection, pytest.raises(AccessRefused):
        connection.connect()


def test_a_killed_broker_comes_back_with_its_messages(installation: Installation) -> None:
    status = installation.status()
    kept = Queue("probe.kept", queue_arguments={"x-queue-type": "quorum"})
    with Connection(status["amqp_uri"], transport_options={"confirm_publish": True}) as connection:
        connection.Producer().publish("kept", routing_key=kept.name, declare=[kept])
    # RabbitMQ writes down which files belong to a new quorum queue half a second later; killed before that, the
    # queue stays without a leader (rabbitmq-server issue 15725)
    time.sleep(2)

    kill(installation, status["broker_pid"])

    after = installation.status()
    assert after["broker_pid"] not in {None, status["broker_pid"]}
    assert pids(after) == pids(status)
    found: list[Any] = []
    with Connection(after["amqp_uri"]) as connection:
        with connection.Consumer(kept, on_message=found.append, no_ack=True):
            connection.drain_events(timeout=30)
        kept(connection.default_channel).delete()
    assert [message.body for message in found] == ["kept"]


def pids(status: dict[str, Any]) -> dict[str, int]:
    return {name: service["pid"] for name, service in status["services"].items()}


def test_a_killed_database_comes_back_with_its_documents(installation: Installation) -> None:
    status = installation.status()
    with MongoClient[dict[str, Any]](status["mongo_uri"]) as client:
        client["niangjia_probe"].get_collection("kept").insert_one({"_id": "kept"})

    kill(installation, status["database_pid"])

    assert installation.status()["database_pid"] not in {None, status["database_pid"]}
    with MongoClient[dict[str, Any]](status["mongo_uri"]) as client:
        assert client["niangjia_probe"]["kept"].find_one({"_id": "kept"})
        client.drop_database("niangjia_probe")


def test_a_killed_service_comes_back(installation: Installation) -> None:
    pid = installation.status()["services"]["referral"]["pid"]

    kill(installation, pid)

    assert installation.status()["services"]["referral"]["pid"] not in {None, pid}


def test_up_brings_back_a_system_whose_process_manager_was_killed(installation: Installation) -> None:
    manager = installation.home.pid
    assert manager
    before = installation.status()
    os.kill(manager, signal.SIGKILL)
    wait_until(lambda: installation.home.pid is None, "the manager to be gone")

    installation.done("up")

    after = installation.status()
    assert all(service["healthy"] for service in after["services"].values())
    assert after["amqp_uri"] == before["amqp_uri"]
    assert after["broker_pid"] != before["broker_pid"]
    assert not _command(before["broker_pid"])


def test_down_leaves_nothing_behind_and_up_is_quick(
    installation: Installation, record_property: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    ports = installation.home.ports

    installation.done("down")

    assert installation.processes() == []
    assert installation.niangjia("down").returncode == 0
    for port in ports.values():
        with socket.socket() as probe, pytest.raises(ConnectionRefusedError):
            probe.connect(("127.0.0.1", port))

    began = time.monotonic()
    installation.done("up")
    seconds = time.monotonic() - began
    record_property("second_start_seconds", round(seconds, 1))
    with capsys.disabled():
        sys.stdout.write(f"\n  second start: {seconds:.1f} s\n")
    assert installation.home.ports == ports
