"""The health check asks with a token that services take, and says what they answer."""

import json
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import ClassVar

import pytest

from deploy.docker import health
from shared.runtime.auth import Gate, Role, Unauthorised
from shared.runtime.tls import server_context
from tests.support.certificate import make_certificate

KEY = bytes(range(32))


class Service(BaseHTTPRequestHandler):
    """Answers as a service does."""

    ailing: ClassVar[list[str]] = []

    def do_GET(self) -> None:
        assert self.path == "/health"
        try:
            Gate(KEY).bearer(self.headers["Authorization"])
            status = 503 if self.ailing else 200
        except Unauthorised:
            status = 401
        body = json.dumps({"ailing": self.ailing}).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@pytest.fixture
def port(monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """A service that listens."""
    yield from listening(monkeypatch)


@pytest.fixture
def secure_port(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """The same, with TLS."""
    folder = make_certificate(tmp_path_factory.mktemp("tls"))
    yield from listening(monkeypatch, server_context(folder / "chain.pem", folder / "key.pem"))


def listening(monkeypatch: pytest.MonkeyPatch, context: ssl.SSLContext | None = None) -> Iterator[int]:
    monkeypatch.setattr(Service, "ailing", [])
    with HTTPServer(("127.0.0.1", 0), Service) as server:
        if context is not None:
            server.socket = context.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server.server_port
        server.shutdown()
        thread.join()


def check(folder: Path, port: int, **variables: str) -> "subprocess.CompletedProcess[str]":
    """Run the check as a container does: as a file, without anything that is installed."""
    return subprocess.run(
        [sys.executable, "-I", "-S", health.__file__],
        env={"NIANGJIA_SECRETS": str(folder), "NIANGJIA_HTTP_PORT": str(port), **variables},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def secrets(tmp_path: Path) -> Path:
    (tmp_path / "token.key").write_text(f"{KEY.hex()}\n")
    return tmp_path


def test_a_well_service_is_well(secrets: Path, port: int) -> None:
    checked = check(secrets, port)

    assert (checked.returncode, checked.stdout, checked.stderr) == (0, "", "")


def test_a_service_with_a_certificate_is_asked_by_tls(secrets: Path, secure_port: int) -> None:
    assert check(secrets, secure_port, NIANGJIA_HTTP_CERTIFICATE="/run/chain.pem").returncode == 0
    assert check(secrets, secure_port).returncode == 1


def test_an_ailing_service_says_what_ails_it(monkeypatch: pytest.MonkeyPatch, secrets: Path, port: int) -> None:
    monkeypatch.setattr(Service, "ailing", ["the broker is away"])

    checked = check(secrets, port)

    assert checked.returncode == 1
    assert "503" in checked.stdout
    assert "the broker is away" in checked.stdout


def test_silence_is_not_well(secrets: Path) -> None:
    checked = check(secrets, 1)

    assert checked.returncode == 1
    assert checked.stdout == "nothing answers (ConnectionRefusedError)\n"


def test_a_missing_key_is_not_well(tmp_path: Path, port: int) -> None:
    checked = check(tmp_path, port)

    assert checked.returncode == 1
    assert "token.key" in checked.stdout


def test_the_token_is_one_of_the_house_and_stays_the_same_for_a_while() -> None:
    now = 1_800_000_000
    token = health.token(KEY, now)

    assert token == health.token(KEY, now + 3_000)
    assert token != health.token(KEY, now + 3_600)


def test_the_token_opens_no_more_than_a_service_needs() -> None:
    bearer = Gate(KEY).bearer(f"Bearer {health.token(KEY, 4_000_000_000)}")

    assert (bearer.name, bearer.role) == ("health", Role.SERVICE)
