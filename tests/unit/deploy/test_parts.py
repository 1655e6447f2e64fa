"""The parts of which a system without containers is made, one by one."""

import json
import os
import socket
import stat
from pathlib import Path

import pytest

from deploy import broker, database
from deploy.files import make_folder, write_private
from deploy.home import Home
from deploy.keys import ensure_keys
from deploy.logs import last_words
from deploy.ports import PARTS, is_free, settle_ports
from deploy.problem import Problem
from deploy.program import Program
from deploy.services import environment
from shared.runtime.variables import VARIABLES, SettingError


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in VARIABLES:
        monkeypatch.delenv(variable.name, raising=False)
        monkeypatch.delenv(f"{variable.name}_FILE", raising=False)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    home = Home.at(tmp_path / "home")
    for folder in (home.root, home.etc, home.data, home.secrets):
        make_folder(folder)
    return home


def test_keys_are_generated_once(home: Home) -> None:
    ensure_keys(home)
    before = {path.name: path.read_text() for path in home.secrets.iterdir()}
    ensure_keys(home)

    assert {path.name: path.read_text() for path in home.secrets.iterdir()} == before
    assert len(set(before.values())) == len(before)
    assert {stat.S_IMODE(path.stat().st_mode) for path in home.secrets.iterdir()} == {0o600}


def test_keys_of_another_folder_are_not_generated(home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NIANGJIA_SECRETS", str(tmp_path / "vault"))

    with pytest.raises(Problem, match=r"token\.key is not there"):
        ensure_keys(home)


def test_a_damaged_key_is_refused(home: Home) -> None:
    (home.secrets / "index.key").write_text("not hexadecimal")

    with pytest.raises(SettingError, match=r"index\.key"):
        ensure_keys(home)


def test_ports_are_kept_until_somebody_else_takes_them(home: Home) -> None:
    first = settle_ports(home)
    assert list(first) == list(PARTS)
    assert len(set(first.values())) == len(first)
    assert settle_ports(home) == first

    with socket.socket() as somebody:
        somebody.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        somebody.bind(("127.0.0.1", first["intake"]))
        somebody.listen()
        assert not is_free(first["intake"])
        assert settle_ports(home, running=["intake"]) == first, "it is our own intake that listens"
        second = settle_ports(home)

    assert second["intake"] not in first.values()
    assert {name: port for name, port in second.items() if name != "intake"} == {
        name: port for name, port in first.items() if name != "intake"
    }


def test_homes_begin_to_look_for_ports_in_different_places(tmp_path: Path) -> None:
    homes = [Home.at(tmp_path / name) for name in ("one", "two", "three", "four")]
    for home in homes:
        make_folder(home.root)

    # there are ten thousand places: two homes may have the same one by chance, not more
    assert len({settle_ports(home)["broker"] for home in homes}) >= 3


def test_a_damaged_file_of_ports_is_named(home: Home) -> None:
    (home.root / "ports.json").write_text("{")

    with pytest.raises(Problem, match=r"ports\.json cannot be read; remove it"):
        settle_ports(home)


@pytest.mark.parametrize("name", ['a"b', "a'b", "a%b", "a;b", "a,b", "a\\b", "a\nb"])
def test_a_home_whose_path_not_every_program_can_take_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(Problem, match="cannot be the home folder; choose a path without"):
        Home.at(tmp_path / name)


def test_a_socket_never_has_a_path_that_is_too_long(tmp_path: Path) -> None:
    short, long = Home.at(tmp_path / "h"), Home.at(tmp_path / ("娘家" * 30))

    assert short.socket == short.run / "supervisor.sock" or len(os.fsencode(short.socket)) <= 92
    assert len(os.fsencode(long.socket)) <= 92
    assert long.socket != Home.at(tmp_path / ("娘家" * 31)).socket


def test_a_private_file_replaces_the_old_one_as_a_whole(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    path.write_text("old")
    path.chmod(0o644)

    write_private(path, "new")

    assert path.read_text() == "new"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == [path]


def test_the_broker_is_told_hashes_and_no_password(home: Home) -> None:
    ensure_keys(home)
    broker.prepare(home, settle_ports(home))

    definitions = json.loads((home.etc / "definitions.json").read_text())
    passwords = [home.secret(f"{name}.password") for name in ("broker", "broker-administrator")]
    assert [user["name"] for user in definitions["users"]] == ["niangjia", "niangjia-administrator"]
    assert not any(password in path.read_text() for path in home.etc.iterdir() for password in passwords)


def test_engines_know_their_own_address_at_any_port(home: Home) -> None:
    ensure_keys(home)
    for engine in (broker, database):
        uri = engine.local_uri(home, settle_ports(home))
        moved = engine.local_uri(home, {**settle_ports(home), engine.NAME: 1})

        assert engine.is_local(home, uri)
        assert engine.is_local(home, moved)
        assert not engine.is_local(home, "amqp://niangjia:else@127.0.0.1:5672/niangjia")
        assert not engine.is_local(home, "")


def test_a_variable_with_a_quotation_mark_is_refused(home: Home) -> None:
    program = Program(name="x", command=("x",), environment={"NIANGJIA_RULES": '/a"b'})

    with pytest.raises(Problem, match="NIANGJIA_RULES holds a quotation mark"):
        program.section(home)


def test_per_cent_signs_reach_the_program_as_they_are(home: Home) -> None:
    section = Program(name="x", command=("echo", "100% sure"), environment={"A": "50%"}).section(home)

    assert 'command=echo "100%% sure"' in section
    assert 'A="50%%"' in section


def test_last_words_are_without_the_frames_of_a_traceback(tmp_path: Path) -> None:
    log = tmp_path / "x.log"
    log.write_text(
        "starting\n"
        '{"level": "error", "event": "cannot serve", "error": "no broker"}\n'
        '{"s": "I", "msg": "Waiting for connections"}\n'
        "Traceback (most recent call last):\n"
        '  File "x.py", line 1, in <module>\n'
        "    raise ValueError\n"
        "\n"
        "ValueError: no such rule\n"
    )

    assert last_words(log) == [
        "starting",
        "error cannot serve no broker",
        "I Waiting for connections",
        "ValueError: no such rule",
    ]
    assert last_words(log, 1) == ["ValueError: no such rule"]
    assert last_words(tmp_path / "none.log") == []


def test_services_that_are_started_here_speak_no_tls(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NIANGJIA_HTTP_CERTIFICATE", "/etc/chain.pem")
    monkeypatch.setenv("NIANGJIA_HTTP_KEY", "/etc/key.pem")
    told = environment(home, dict.fromkeys(PARTS, 8_000), "feed")

    assert not {"NIANGJIA_HTTP_CERTIFICATE", "NIANGJIA_HTTP_KEY"} & set(told)
