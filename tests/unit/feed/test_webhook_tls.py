"""A partner is known by its certificate, for the name by which it is called."""

import socket
import ssl
import time
from pathlib import Path

import pytest

from tests.support.certificate import make_certificate
from tests.support.hook import Hook, Wild
from tests.unit.feed.calling import BODY, HEADERS, SHORT, SOON, caller, post, why_not


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_certificate(tmp_path_factory.mktemp("certificate"))


@pytest.fixture
def server(folder: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "chain.pem", folder / "key.pem")
    return context


@pytest.fixture
def trusting(folder: Path) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(folder / "chain.pem"))


def test_one_that_is_trusted_is_called(server: ssl.SSLContext, trusting: ssl.SSLContext) -> None:
    names: list[str] = []
    server.sni_callback = lambda _, name, __: names.append(name)  # type: ignore[assignment]
    with Hook(context=server) as hook:
        one = caller(lambda *_: ["127.0.0.1"], context=trusting)
        url = f"https://localhost:{hook.port}/hook"
        assert [one.post(url, HEADERS, BODY).status for _ in range(3)] == [204] * 3
        one.hang_up()
        assert post(hook.url, context=trusting).status == 204

    assert [call.body for call in hook.calls] == [BODY] * 4
    assert hook.connections == [3, 1]
    assert names == ["localhost", None]


def test_one_that_nobody_vouches_for_hears_nothing(server: ssl.SSLContext) -> None:
    with Hook(context=server) as hook:
        assert why_not(hook.url) == "certificate"
    assert not hook.calls


def test_the_certificate_must_be_for_the_name_though_the_address_fits(
    server: ssl.SSLContext, trusting: ssl.SSLContext
) -> None:
    with Hook(context=server) as hook:
        url = f"https://police.example:{hook.port}/"
        assert why_not(url, resolve=lambda *_: ["127.0.0.1"], context=trusting) == "certificate"
    assert not hook.calls


def test_one_that_speaks_none(trusting: ssl.SSLContext) -> None:
    with Wild(lambda connection: connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")) as partner:
        assert why_not(partner.url.replace("http:", "https:"), context=trusting) == "tls"


def test_a_handshake_that_comes_drop_by_drop_is_cut(trusting: ssl.SSLContext) -> None:
    def talk(connection: socket.socket) -> None:
        connection.recv(65_536)
        # the beginning of a record that will be long
        for byte in b"\x16\x03\x03\x40\x00" + b"\x02\x00\x3f\xf0" + bytes(1_000):
            connection.sendall(bytes([byte]))
            time.sleep(0.05)

    with Wild(talk) as partner:
        began = time.monotonic()
        assert why_not(partner.url.replace("http:", "https:"), SHORT, context=trusting) in {"timeout", "tls"}
        assert time.monotonic() - began < SOON


def test_who_hangs_up_in_the_handshake(trusting: ssl.SSLContext) -> None:
    with Wild(lambda connection: connection.close()) as partner:
        why = why_not(partner.url.replace("http:", "https:"), context=trusting)
    assert why in {"closed", "connection"}
