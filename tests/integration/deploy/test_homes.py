"""Systems beside each other, in unusual places, with engines of others, with parts that do not come up."""

import json
import os
import signal
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from socketserver import BaseRequestHandler, TCPServer
from threading import Thread

import pytest

from deploy.home import Home
from deploy.problem import Problem
from deploy.program import Program
from deploy.services import environment
from deploy.stack import ServicePrograms, Stack
from shared.runtime.variables import SERVICES
from tests.integration.deploy.conftest import Installation
from tests.support.system import wait_until

STUB = Path(__file__).with_name("stub.py")


@pytest.fixture(autouse=True)
def _nothing_given(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AMQP_URI", "AMQP_URI_FILE", "MONGO_URI", "MONGO_URI_FILE"):
        monkeypatch.delenv(name, raising=False)


def stubs(broken: str = "") -> ServicePrograms:
    """Return what makes programs that only answer that they are well; the one called `broken` dies at once."""

    def programs(home: Home, ports: Mapping[str, int]) -> list[Program]:
        return [
            Program(
                name=name,
                command=(sys.executable, str(STUB)),
                environment={**environment(home, ports, name), "STUB_FAILS": "yes" if name == broken else ""},
            )
            for name in SERVICES
        ]

    return programs


def test_two_systems_live_side_by_side(installation: Installation, another: Installation) -> None:
    another.done("up", "--no-services")
    here, there = installation.status(), another.status()

    assert not set(installation.home.ports.values()) & set(another.home.ports.values())
    assert here["amqp_uri"] != there["amqp_uri"]
    assert installation.home.key("master") != another.home.key("master")
    another.done("down")
    after = installation.status()
    assert after["broker_pid"] == here["broker_pid"]
    assert all(service["healthy"] for service in after["services"].values())


def test_a_home_may_have_a_long_path_with_spaces_and_characters_of_any_language(tmp_path: Path) -> None:
    installed = Installation(tmp_path / "a home" / "娘家" / ("deep" * 12) / ("deeper" * 8))
    try:
        installed.done("up", "--no-services")

        assert installed.home.socket.parent == installed.home.short_folder
        assert installed.status()["broker_pid"]
    finally:
        installed.done("down")
    assert installed.processes() == []


def test_engines_of_others_are_used_and_left_alone(installation: Installation, another: Installation) -> None:
    lent = installation.status()
    given = {"AMQP_URI": lent["amqp_uri"], "MONGO_URI": lent["mongo_uri"]}

    another.done("up", "--no-services", **given)

    # without the variables: what `up` was told is remembered as long as the system runs
    status = another.status()
    assert (status["amqp_uri"], status["mongo_uri"]) == (lent["amqp_uri"], lent["mongo_uri"])
    assert (status["broker_pid"], status["database_pid"]) == (None, None)
    assert not (another.folder / "data" / "broker").exists()
    refused = another.niangjia("up", AMQP_URI="amqp://somebody:else@127.0.0.1:1/x")
    assert refused.returncode == 1
    assert refused.stderr.startswith("niangjia: the system runs with another AMQP_URI; ")
    another.done("down")
    assert installation.status()["broker_pid"] == lent["broker_pid"]


def test_an_engine_that_does_not_answer_is_named(another: Installation) -> None:
    ended = another.niangjia("up", "--timeout", "2", AMQP_URI="amqp://a:secret@127.0.0.1:1/x")

    assert ended.returncode == 1
    assert "niangjia: broker: it does not answer" in ended.stderr
    assert "AMQP_URI" in ended.stderr
    assert "secret" not in ended.stderr
    assert "Traceback" not in ended.stderr


@contextmanager
def taken(port: int) -> Iterator[None]:
    """Let somebody else listen on a port, who ends every connection at once."""

    class Somebody(TCPServer):
        allow_reuse_address = True

    with Somebody(("127.0.0.1", port), BaseRequestHandler) as server:
        Thread(target=server.serve_forever).start()
        try:
            yield
        finally:
            server.shutdown()


def test_taken_ports_are_given_up_and_the_data_stays(another: Installation) -> None:
    another.done("up", "--no-services")
    before = another.home.ports
    another.done("down")
    with taken(before["broker"]), taken(before["database"]):
        another.done("up", "--no-services")

    after = another.home.ports
    assert after["broker"] != before["broker"]
    assert after["database"] != before["database"]
    assert after["intake"] == before["intake"]
    assert "well" in another.done("status")
    assert another.niangjia("status").stdout.count("nothing answers") == len(SERVICES)


def test_a_service_that_does_not_come_up_is_shown_with_its_last_words(another: Installation) -> None:
    stack = Stack(another.home, stubs(broken="referral"))

    with pytest.raises(Problem) as raised:
        stack.up(timeout=60)

    said = str(raised.value)
    assert said.startswith("referral: ")
    assert "RuntimeError: the rules cannot be read" in said
    assert "Traceback" not in said
    assert "File " not in said


def test_a_service_may_die_and_come_back_and_be_stopped_with_what_it_has_in_hand(another: Installation) -> None:
    stack = Stack(another.home, stubs())
    stack.up(timeout=60)
    pid = stack.status().services["intake"].pid
    assert pid

    os.kill(pid, signal.SIGKILL)

    wait_until(lambda: stack.status().services["intake"].pid not in {None, pid}, "another process", 30)
    wait_until(lambda: stack.status().services["intake"].healthy, "it to be well", 30)
    assert stack.down()
    words = (another.folder / "log" / "intake.log").read_text().splitlines()
    assert words[-1] == "finished what was in hand"
    supervisor = (another.folder / "log" / "supervisord.log").read_text()
    assert supervisor.index("stopped: intake") < supervisor.index("stopped: database")


def test_doctor_says_what_to_do_where_nothing_runs(another: Installation) -> None:
    ended = another.niangjia("doctor", "--json")

    assert ended.returncode == 1
    findings = json.loads(ended.stdout)
    wrong = [finding for finding in findings if not finding["well"]]
    assert wrong
    assert all(finding["found"] and finding["remedy"] for finding in wrong)
    assert not another.folder.exists(), "it changes nothing"


def test_doctor_finds_a_secret_that_others_can_read(another: Installation) -> None:
    another.done("up", "--no-services")
    key = another.folder / "secrets" / "master.key"
    key.chmod(0o644)

    findings = {finding["name"]: finding for finding in json.loads(another.niangjia("doctor", "--json").stdout)}

    assert not findings["secrets"]["well"]
    assert findings["secrets"]["remedy"] == f"chmod 600 {key}"


def test_a_folder_of_other_things_is_not_made_a_home(tmp_path: Path) -> None:
    (tmp_path / "letters").mkdir()
    installed = Installation(tmp_path)

    ended = installed.niangjia("up", "--no-services")

    assert ended.returncode == 1
    assert "holds other things (letters)" in ended.stderr
    installed.done("down")
    assert [path.name for path in tmp_path.iterdir()] == ["letters"]
