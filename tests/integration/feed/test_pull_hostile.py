"""A partner who opens a thousand connections, reads nothing, or asks without end harms nobody else."""

import socket
import statistics
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest
import requests

from shared.runtime.auth import Role
from shared.runtime.connections import MOST, MOST_OF_ONE
from tests.integration.feed.partner import Follower, Partner, Town, subscribe
from tests.integration.runtime.bus import Bus
from tests.support.system import System, wait_until

SERVICES = {"feed": "services.feed.service"}
HOSTILE, GOOD = "330302", "330303"
#: Seconds in which another agency is usually served meanwhile; who takes all there is would let it wait much longer.
SERVED = 3.0
#: Addresses of this machine from which strangers come.
ELSEWHERE = "127.0.0.2"


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    folder: Path = tmp_path_factory.mktemp("hostile")
    # more often than a follower of a test is patient
    with System(folder, services=SERVICES, variables={"NIANGJIA_HEARTBEAT": "5"}) as system:
        system.start_all()
        pid = system.pid("feed")
        yield system
        assert system.pid("feed") == pid
        assert system.is_running("feed")
        assert "Traceback" not in system.log_file("feed").read_text(errors="replace")


@pytest.fixture(scope="module")
def town(system: System) -> Iterator[Town]:
    with Bus(system.settings("feed")) as bus:
        yield Town(bus)


@pytest.fixture(scope="module")
def good(system: System) -> Iterator[Partner]:
    partner = subscribe(system, "good", GOOD)
    yield partner
    partner.close()


@pytest.fixture(scope="module")
def hostile(system: System) -> Iterator[Partner]:
    partner = subscribe(system, "hostile", HOSTILE)
    yield partner
    partner.close()


def opened(system: System, source: str = "") -> socket.socket:
    address = ("127.0.0.1", system.ports["feed"])
    return socket.create_connection(address, timeout=20, source_address=(source, 0) if source else None)


def request(partner: Partner, path: str) -> bytes:
    head = f"GET /feeds/{partner.name}{path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {partner.token}\r\n\r\n"
    return head.encode()


def figure(system: System, name: str) -> float:
    headers = {"Authorization": f"Bearer {system.token(Role.ADMIN)}"}
    lines = requests.get(f"{system.url('feed')}/metrics", headers=headers, timeout=20).text.splitlines()
    return sum(float(line.rpartition(" ")[2]) for line in lines if line.startswith(name))


def resident_kb(system: System) -> int:
    status = Path(f"/proc/{system.pid('feed')}/status").read_text()
    return int(next(line for line in status.splitlines() if line.startswith("VmRSS")).split()[1])


def served(town: Town, follower: Follower, count: int = 20) -> float:
    """Let something happen for an agency, piece by piece; return the median of the seconds until it came."""
    taken = []
    for _ in range(count):
        known, began = len(follower.numbers), time.monotonic()
        town.referrals(1, GOOD)
        until = began + 10
        while len(follower.numbers) == known:
            assert time.monotonic() < until, "nothing came"
            time.sleep(0.001)
        taken.append(time.monotonic() - began)
    return statistics.median(taken)


def test_a_thousand_who_say_nothing_make_room(system: System, town: Town, good: Partner) -> None:
    with good.follow(after=good.last()) as follower, ExitStack() as stack:
        wait_until(lambda: follower.statuses, "the stream")
        strangers = [stack.enter_context(opened(system, ELSEWHERE)) for _ in range(MOST + 200)]
        for stranger in strangers[::3]:
            with suppress(OSError):
                stranger.sendall(b"GET /feeds/good/str")

        assert served(town, follower) < SERVED
        assert good.ask("/events?limit=10").status_code == 200
        assert figure(system, "niangjia_http_connections ") <= MOST
        assert figure(system, 'niangjia_http_connections_cut_total{why="no room"}') >= 200
        assert follower.statuses == [200]


def test_a_thousand_with_a_token_are_twenty(system: System, town: Town, good: Partner, hostile: Partner) -> None:
    with good.follow(after=good.last()) as follower, ExitStack() as stack:
        wait_until(lambda: follower.statuses, "the stream")
        before = figure(system, "niangjia_http_connections ")
        for _ in range(1_000):
            sock = stack.enter_context(opened(system))
            sock.sendall(request(hostile, ""))
            assert sock.recv(12) in {b"HTTP/1.1 200", b"HTTP/1.1 429"}

        assert figure(system, "niangjia_http_connections ") <= before + MOST_OF_ONE + 2
        assert served(town, follower) < SERVED


def test_who_reads_nothing_is_dropped_and_little_is_kept_for_him(
    system: System, town: Town, good: Partner, hostile: Partner
) -> None:
    start = good.last()
    town.referrals(3_000, HOSTILE)
    wait_until(lambda: hostile.last() >= 3_000, "3000 deliveries", 60)
    with good.follow(after=start) as follower, ExitStack() as stack:
        wait_until(lambda: follower.statuses, "the stream")
        before = resident_kb(system)
        for path in ["/stream"] * 5 + ["/events?limit=1000"] * 15:
            sock = stack.enter_context(socket.socket())
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
            sock.connect(("127.0.0.1", system.ports["feed"]))
            sock.sendall(request(hostile, path))
        time.sleep(2)
        most = resident_kb(system) - before

        assert served(town, follower) < SERVED
        wait_until(lambda: figure(system, 'niangjia_http_connections_cut_total{why="nobody reads"}') >= 5, "a cut", 30)
        wait_until(lambda: figure(system, "niangjia_http_streams ") == 1, "one stream to be left")
        assert most < 60_000, f"{most} kB for one who reads nothing"


def test_strangers_who_come_and_go_leave_nothing_behind(system: System, good: Partner) -> None:
    files = Path(f"/proc/{system.pid('feed')}/fd")
    wait_until(lambda: figure(system, "niangjia_http_connections ") < 30, "the others to be gone")
    before = len(list(files.iterdir()))
    for _ in range(300):
        with opened(system) as sock:
            sock.sendall(b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n")

    assert good.ask().status_code == 200
    wait_until(lambda: len(list(files.iterdir())) <= before + 5, "the files to be closed")
