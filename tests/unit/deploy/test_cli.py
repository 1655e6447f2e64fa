"""The command line: every option has a variable, and whatever goes wrong is one line."""

import time
from collections.abc import Iterator
from pathlib import Path

import click
import jwt
import pytest

from deploy import cli
from deploy.problem import Problem
from shared.runtime.auth import HOUSE, Role
from shared.runtime.variables import VARIABLES


@pytest.fixture(autouse=True)
def home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Return a home with a key, and hide the environment of whoever runs the tests."""
    for variable in VARIABLES:
        monkeypatch.delenv(variable.name, raising=False)
        monkeypatch.delenv(f"{variable.name}_FILE", raising=False)
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "home"
    (folder / "secrets").mkdir(parents=True)
    (folder / "secrets" / "token.key").write_text("ab" * 32)
    monkeypatch.setenv("NIANGJIA_HOME", str(folder))
    return folder


def commands(command: click.Command, path: str) -> Iterator[tuple[str, click.Command]]:
    yield path, command
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            child = command.get_command(context, name)
            assert child is not None
            yield from commands(child, f"{path} {name}")


ALL = dict(commands(cli.niangjia, "niangjia"))


@pytest.mark.parametrize("path", ALL)
def test_every_option_says_what_it_does_and_has_a_variable(path: str) -> None:
    for option in ALL[path].params:
        if isinstance(option, click.Option):
            assert option.help, option.name
            assert option.show_envvar
            assert str(option.envvar).startswith("NIANGJIA_")


@pytest.mark.parametrize("path", ALL)
def test_every_command_has_help(path: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert ALL[path].help
    assert cli.run([*path.split()[1:], "--help"]) == 0
    shown = capsys.readouterr().out
    assert f"Usage: {path}" in shown
    if any(isinstance(option, click.Option) for option in ALL[path].params):
        assert "[env var:" in shown


def test_variables_of_options_are_their_own() -> None:
    options = [
        (str(option.envvar), path)
        for path, command in ALL.items()
        for option in command.params
        if isinstance(option, click.Option)
    ]

    assert len({name for name, _ in options}) == len(options)
    assert not {name for name, path in options if path != "niangjia"} & {variable.name for variable in VARIABLES}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nothing"], "niangjia: No such command 'nothing'; see `niangjia --help`\n"),
        (["status", "--all"], "niangjia: No such option '--all'"),
        (["token"], "niangjia: Missing option '--role'"),
        (["token", "--role", "boss"], "niangjia: Invalid value for '--role'"),
        (["token", "--role", "operator", "--district", "Ouhai"], "niangjia: Invalid value for --district"),
        (["token", "--role", "operator", "--hours", "0"], "niangjia: Invalid value for '--hours'"),
        (["--home", "a'b", "status"], "niangjia: "),
    ],
)
def test_what_cannot_be_understood_is_one_line(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    code = cli.run(arguments)

    out, err = capsys.readouterr()
    assert code in {1, 2}
    assert out == ""
    assert err.startswith(said)
    assert err.count("\n") == 1
    assert "; " in err


def test_a_problem_is_shown_as_one_line(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(cli.niangjia, "main", raising(Problem("the sky falls", "hold it up", exit_code=1)))

    assert cli.run([]) == 1
    assert capsys.readouterr().err == "niangjia: the sky falls; hold it up\n"


def test_what_nobody_foresaw_is_one_line_and_kept_in_the_log(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], home: Path
) -> None:
    monkeypatch.setattr(cli.niangjia, "main", raising(ZeroDivisionError("by zero")))

    assert cli.run([]) == 1

    log = home / "log" / "niangjia.log"
    assert capsys.readouterr().err == (
        f"niangjia: something unforeseen happened (ZeroDivisionError); look into {log}\n"
    )
    assert "Traceback" in log.read_text()


def raising(error: Exception) -> object:
    def main(**_: object) -> None:
        raise error

    return main


def test_a_wrong_setting_is_named(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("AMQP_URI", "http://broker")

    assert cli.run(["up"]) == 2
    assert capsys.readouterr().err.startswith("niangjia: AMQP_URI cannot be used")


def test_without_a_system_a_person_is_told_what_to_do(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["status"]) == 1
    assert "run `niangjia up`" in capsys.readouterr().err


def test_token_prints_a_token_and_nothing_else(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["token", "--role", "caseworker", "--district", "330304", "--hours", "2"]) == 0

    out, err = capsys.readouterr()
    claims = jwt.decode(out.strip(), bytes.fromhex("ab" * 32), algorithms=["HS256"])
    assert err == ""
    assert (claims["role"], claims["district"]) == ("caseworker", "330304")
    assert claims["sub"]
    assert claims["exp"] - time.time() == pytest.approx(7200, abs=60)


@pytest.mark.parametrize("role", sorted(HOUSE))
def test_token_knows_every_role_of_the_house(role: Role, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["token", "--role", role.value]) == 0
    assert capsys.readouterr().out.count(".") == 2


def test_token_makes_none_for_an_agency(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["token", "--role", "agency"]) == 2
    assert capsys.readouterr().out == ""


def test_an_option_may_come_from_the_environment(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("NIANGJIA_TOKEN_ROLE", "auditor")

    assert cli.run(["token"]) == 0
    claims = jwt.decode(capsys.readouterr().out.strip(), options={"verify_signature": False})
    assert claims["role"] == "auditor"


def test_a_setting_may_come_from_the_file_env(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, home: Path) -> None:
    # set and taken away again, so that what the file sets is undone after the test
    monkeypatch.setenv("NIANGJIA_TOKEN_ROLE", "x")
    monkeypatch.delenv("NIANGJIA_TOKEN_ROLE")
    (tmp_path / ".env").write_text("NIANGJIA_TOKEN_ROLE=auditor\nNIANGJIA_HOME=elsewhere\n")

    assert cli.run(["token"]) == 0, "the environment counts more than the file, so the key is found"


def test_a_command_starts_without_loading_the_others() -> None:
    import subprocess
    import sys

    program = "import sys, deploy.cli; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.split()

    assert not [name for name in loaded if name.startswith("deploy.commands.")]
    assert not {"pymongo", "kombu", "eventlet", "rich"} & set(loaded)
