"""Who only waits makes room for who comes; who is being answered never does."""

import resource
from typing import Any

import pytest

from shared.runtime import connections as module
from shared.runtime.connections import Connections, places
from shared.runtime.web import Connection


class Socket:
    """A client somewhere."""

    def __init__(self) -> None:
        self.dropped = False

    def shutdown(self, how: int) -> None:
        self.dropped = True


def connection(idle_since: float = 0, *, owner: str = "", busy: bool = False) -> Connection:
    made = Connection(Socket(), lambda *_: b"")
    made.idle_since, made.owner, made.busy = idle_since, owner, busy
    return made


def dropped(*those: Connection) -> list[bool]:
    return [one._socket.dropped for one in those]


def full(*those: Connection, addresses: str = "") -> Connections:
    found = Connections(len(those))
    for n, one in enumerate(those):
        assert found.add(one, addresses[n] if addresses else "a")
    return found


def test_who_has_waited_longest_makes_room() -> None:
    those = connection(3), connection(1), connection(2)
    found, new = full(*those), connection(4)

    assert found.add(new, "a")
    assert dropped(*those, new) == [False, True, False, False]
    assert set(found) == {those[0], those[2], new}


def test_strangers_make_room_before_those_who_came_in() -> None:
    those = connection(1, owner="agency police"), connection(9), connection(2, owner="service feed")

    assert full(*those).add(connection(10), "a")
    assert dropped(*those) == [False, True, False]


def test_the_crowd_of_one_address_makes_room_before_a_single_visitor() -> None:
    those = connection(1), connection(5), connection(6)

    assert full(*those, addresses="abb").add(connection(10), "b")
    assert dropped(*those) == [False, True, False]


def test_who_is_being_answered_stays_and_nobody_else_comes_in() -> None:
    those = connection(1, busy=True), connection(2, busy=True)
    found, new = full(*those), connection(3)

    assert not found.add(new, "a")
    assert dropped(*those) == [False, False]
    assert set(found) == set(those)


def test_who_left_needs_no_place() -> None:
    those = connection(1), connection(2)
    found = full(*those)
    found.remove(those[1])
    found.remove(those[1])

    assert found.add(connection(3), "a")
    assert dropped(*those) == [False, False]


def of_one(most: int, *those: Connection) -> Connections:
    found = Connections(100, most)
    for one in those:
        found.add(one, "a")
        found.claim(one, "agency police", limited=True)
    return found


def test_a_partner_who_opens_more_gives_up_the_idle_ones() -> None:
    those = connection(2), connection(1), connection(3)
    found, new = of_one(3, *those), connection(9)
    found.add(new, "a")

    assert found.claim(new, "agency police", limited=True)
    assert found.claim(new, "agency police", limited=True), "it is asked for every request"
    assert dropped(*those, new) == [False, True, False, False]


def test_a_partner_whose_connections_are_all_in_use_gets_no_more() -> None:
    those = connection(busy=True), connection(busy=True)
    found, new, other = of_one(2, *those), connection(), connection()
    found.add(new, "a")
    found.add(other, "a")

    assert not found.claim(new, "agency police", limited=True)
    assert found.claim(other, "agency court", limited=True)
    assert found.claim(new, "service intake", limited=False)


def test_the_house_itself_has_no_such_limit() -> None:
    found = of_one(1)
    for _ in range(5):
        one: Any = connection(busy=True)
        found.add(one, "a")
        assert found.claim(one, "service feed", limited=False)


@pytest.mark.parametrize(("files", "found"), [(1_024, 824), (20_000, 1_000), (resource.RLIM_INFINITY, 1_000), (100, 1)])
def test_places_leave_files_for_the_rest(monkeypatch: pytest.MonkeyPatch, files: int, found: int) -> None:
    monkeypatch.setattr(module.resource, "getrlimit", lambda _: (files, files))

    assert places() == found
