"""A service with a certificate speaks TLS and nothing else, and waits for nobody's handshake."""

import shutil
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from shared.runtime.auth import Role
from tests.integration.http.wire import Wire
from tests.support.certificate import make_certificate
from tests.support.system import System, wait_until

SERVICES = {"intake": "tests.integration.runtime.toy_source"}


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_certificate(tmp_path_factory.mktemp("tls"))


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory, certificate: Path) -> Iterator[System]:
    with System(tmp_path_factory.mktemp("system"), services=SERVICES) as system:
        system.start(
            "intake",
            wait=False,
            NIANGJIA_HTTP_CERTIFICATE=str(certificate / "chain.pem"),
            NIANGJIA_HTTP_KEY=str(certificate / "key.pem"),
        )
        wait_until(lambda: asked(system, certificate).startswith("200"), "the service", 60)
        yield system
        assert system.is_running("intake")
        assert "Traceback" not in system.log_file("intake").read_text(errors="replace")


def asked(system: System, certificate: Path, *options: str) -> str:
    """Return the status that curl gets from `/health`, and 0 where it believes the certificate; else what it says."""
    curl = shutil.which("curl")
    assert curl, "curl is not installed"
    command = [curl, "-sS", "--cacert", str(certificate / "chain.pem"), *options]
    header = f"Authorization: Bearer {system.token(Role.ADMIN)}"
    url = f"https://127.0.0.1:{system.ports['intake']}/health"
    ran = subprocess.run(
        [*command, "-w", "%{http_code} %{ssl_verify_result}", "-o", "/dev/null", "-H", header, url],
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )
    return ran.stdout or ran.stderr


@pytest.mark.parametrize("version", ["--tlsv1.2", "--tlsv1.3"])
def test_curl_is_answered_by_who_the_certificate_names(system: System, certificate: Path, version: str) -> None:
    assert asked(system, certificate, version) == "200 0"


def test_without_the_certificate_nobody_believes_it(system: System) -> None:
    with (
        socket.create_connection(("127.0.0.1", system.ports["intake"])) as sock,
        pytest.raises(ssl.SSLCertVerificationError),
    ):
        ssl.create_default_context().wrap_socket(sock, server_hostname="localhost")


def test_who_speaks_no_tls_gets_no_answer_and_no_one_else_notices(system: System, certificate: Path) -> None:
    with Wire(system.ports["intake"]) as wire:
        wire.send("GET /health HTTP/1.1\r\nHost: x\r\n\r\n")
        assert wire.ends_without_an_answer()

    assert asked(system, certificate) == "200 0"


def test_many_who_never_shake_hands_hold_up_nobody(system: System, certificate: Path) -> None:
    with ExitStack() as stack:
        for _ in range(300):
            sock = stack.enter_context(socket.create_connection(("127.0.0.1", system.ports["intake"])))
            sock.sendall(b"\x16\x03\x01")
        began = time.monotonic()

        assert asked(system, certificate) == "200 0"
        assert time.monotonic() - began < 5


@pytest.mark.parametrize(
    ("certificate_file", "key_file", "said"),
    [
        ("chain.pem", "", "NIANGJIA_HTTP_KEY is not set"),
        ("chain.pem", "other.pem", "cannot be used together"),
        ("nowhere.pem", "key.pem", "NIANGJIA_HTTP_CERTIFICATE cannot be read"),
    ],
)
def test_a_service_that_could_not_speak_it_does_not_start(
    system: System, certificate: Path, certificate_file: str, key_file: str, said: str
) -> None:
    files = {
        "NIANGJIA_HTTP_CERTIFICATE": str(certificate / certificate_file),
        "NIANGJIA_HTTP_KEY": str(certificate / key_file) if key_file else "",
    }
    ran = subprocess.run(
        [sys.executable, "-m", "shared.runtime.run", SERVICES["intake"]],
        env=system.environment("intake", **files),
        cwd=system.folder,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert (ran.returncode, ran.stdout) == (2, "")
    assert said in ran.stderr
    assert len(ran.stderr.strip().splitlines()) == 1
