"""Where a name leads is asked before each connection, and only an address that was looked at is connected to."""

import socket
from collections.abc import Sequence

import pytest

from services.feed.address import Allowed
from services.feed.caller import addresses
from tests.support.hook import Hook
from tests.unit.feed.calling import BODY, HEADERS, caller, post, why_not


def test_a_name_that_leads_inside_is_not_called() -> None:
    with Hook() as hook:
        url = f"https://police.example:{hook.port}/"
        for found in (["127.0.0.1"], ["::1"], ["::ffff:127.0.0.1"], ["10.0.0.1", "169.254.169.254"]):
            assert why_not(url, resolve=lambda *_, found=found: found, allowed=Allowed()) == "address"
    assert not hook.connections


def test_a_name_that_leads_outside_first_and_inside_later_is_called_nowhere_else(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """DNS rebinding: the check sees a public address, the connection would get a private one."""
    answers = iter([["93.184.215.14"], ["127.0.0.1"], ["127.0.0.1"]])
    asked: list[str] = []
    connected: list[object] = []

    def resolve(host: str, port: int, seconds: float) -> Sequence[str]:
        asked.append(host)
        return next(answers)

    def refuse(_: socket.socket, place: object) -> None:
        connected.append(place)
        raise ConnectionRefusedError

    def forbidden(*_: object, **__: object) -> None:
        raise AssertionError("looked up a second time")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", forbidden)
    assert why_not("https://police.example/", resolve=resolve, allowed=Allowed()) == "connection"
    assert why_not("https://police.example/", resolve=resolve, allowed=Allowed()) == "address"

    assert connected == [("93.184.215.14", 443)]
    assert asked == ["police.example"] * 2


def test_of_several_addresses_only_those_that_may_be_called_are_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    tried: list[str] = []
    really = socket.socket.connect

    def connect(self: socket.socket, place: tuple[str, int]) -> None:
        tried.append(place[0])
        really(self, place)

    with Hook() as hook:
        monkeypatch.setattr(socket.socket, "connect", connect)
        found = ["10.0.0.1", "::1", "127.0.0.2", "127.0.0.1"]  # nobody listens on 127.0.0.2
        assert post(f"http://localhost:{hook.port}/", resolve=lambda *_: found).status == 204
    assert tried == ["127.0.0.2", "127.0.0.1"]


def test_it_is_asked_again_for_each_connection() -> None:
    asked: list[str] = []

    def resolve(host: str, port: int, seconds: float) -> Sequence[str]:
        asked.append(host)
        return ["127.0.0.1"]

    with Hook(lambda _: (500, {"Connection": "close"})) as hook:
        one = caller(resolve)
        for _ in range(3):
            one.post(f"http://localhost:{hook.port}/", HEADERS, BODY)
        one.hang_up()
    assert len(asked) == 3


@pytest.mark.parametrize(
    ("error", "why"),
    [(socket.gaierror(-2, "unknown"), "name"), (TimeoutError(), "timeout"), (UnicodeError(), "name")],
)
def test_one_that_leads_nowhere(error: Exception, why: str) -> None:
    def resolve(*_: object) -> Sequence[str]:
        raise error

    assert why_not("https://police.example/", resolve=resolve) == why


def test_the_system_knows_names() -> None:
    assert "127.0.0.1" in addresses("localhost", 80)
