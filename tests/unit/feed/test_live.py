"""A stream sends each number once, in order; it says when nothing happens, and ends when its key does."""

import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta

import orjson
import pytest
import time_machine
from msgspec.structs import replace

from services.feed.agency import Agency, Status
from services.feed.ledger import Entry
from services.feed.live import PART, Live

NOW = datetime(2026, 3, 2, 1, tzinfo=UTC)
POLICE = Agency(
    id="police",
    kind="police",
    districts=("33",),
    status=Status.ACTIVE,
    opened_at=NOW - timedelta(days=30),
    rekeyed_at=NOW - timedelta(days=30),
    keys=("k1",),
)


class Clerk:
    """Knows one agency; time passes while somebody waits."""

    def __init__(self, clock: time_machine.Traveller, *, size: int = 10, page: int = 3) -> None:
        self.agency_now: Agency | None = POLICE
        self.is_stale = False
        self.waited: list[float] = []
        self._clock = clock
        self._size = size
        self._page = page
        self.ready = 10**9

    def make(self, last: int) -> None:
        self.agency_now = replace(POLICE, last=last)

    def agency(self, name: str) -> Agency | None:
        assert name == "police"
        return self.agency_now

    def wait(self, name: str, seen: Agency, seconds: float) -> None:
        if seen is not self.agency_now:
            return
        self.waited.append(seconds)
        self._clock.shift(seconds)

    def pages(self, agency: Agency, after: int) -> Sequence[Entry]:
        last = min(agency.last, after + self._page, self.ready)
        return [Entry(n, "referral.requested", b'"%s"' % (b"x" * self._size)) for n in range(after + 1, last + 1)]


@pytest.fixture
def clock() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(NOW, tick=False) as traveller:
        yield traveller


@pytest.fixture
def clerk(clock: time_machine.Traveller) -> Clerk:
    return Clerk(clock)


def live(clerk: Clerk, *, after: int = 0, beat: float = 30, until: datetime = NOW + timedelta(days=1)) -> Live:
    return Live(
        known=clerk,
        pages=clerk.pages,
        agency="police",
        key="k1",
        until=until.timestamp(),
        after=after,
        beat=beat,
        leave=lambda: None,
        clock=time.time,
    )


def until_quiet(stream: Iterator[bytes]) -> bytes:
    """Return what comes before the first sign that nothing comes."""
    return b"".join(iter(lambda: next(stream), b""))


def ids(data: bytes) -> list[int]:
    return [int(line[4:]) for line in data.splitlines() if line.startswith(b"id: ")]


def test_it_begins_after_the_cursor_and_goes_on_with_what_comes(clerk: Clerk) -> None:
    clerk.make(9)
    stream = iter(live(clerk, after=2))
    first = until_quiet(stream)
    clerk.make(11)

    assert first.startswith(b"retry: 1000\n\n")
    assert ids(first) == [3, 4, 5, 6, 7, 8, 9]
    assert ids(until_quiet(stream)) == [10, 11]


def test_an_event_has_a_number_a_type_and_one_line_of_data(clerk: Clerk) -> None:
    clerk.make(1)

    assert until_quiet(iter(live(clerk))) == b'retry: 1000\n\nid: 1\nevent: referral.requested\ndata: "xxxxxxxxxx"\n\n'


def test_a_large_page_goes_out_in_parts(clock: time_machine.Traveller) -> None:
    clerk = Clerk(clock, size=20_000, page=10)
    clerk.make(10)
    stream = iter(live(clerk))
    parts = list(iter(lambda: next(stream), b""))[1:]

    assert [ids(part) for part in parts] == [[1, 2], [3, 4], [5, 6], [7, 8], [9, 10]]
    assert max(map(len, parts)) < PART + 21_000


def test_a_heartbeat_says_how_far_it_is_and_has_no_number(clerk: Clerk) -> None:
    clerk.make(2)
    stream = iter(live(clerk, beat=3))
    until_quiet(stream)
    quiet = [next(stream) for _ in range(8)]
    beats = [part for part in quiet if part]

    assert [bool(part) for part in quiet] == [False, False, True, False, False, True, False, False]
    event, data = beats[0].decode().split("\n")[:2]
    assert event == "event: feed.heartbeat"
    assert orjson.loads(data.removeprefix("data: "))["data"] == {"last": 2}
    assert not ids(b"".join(beats))


def test_nothing_is_said_to_be_well_while_nobody_knows(clerk: Clerk) -> None:
    stream = iter(live(clerk, beat=1))
    until_quiet(stream)
    clerk.is_stale = True

    assert [next(stream) for _ in range(5)] == [b""] * 5
    clerk.is_stale = False
    assert b"feed.heartbeat" in next(stream)


def test_it_gives_a_sign_every_second_and_looks_sooner_for_what_is_not_ready(clerk: Clerk) -> None:
    clerk.make(5)
    clerk.ready = 3
    stream = iter(live(clerk))

    assert ids(until_quiet(stream)) == [1, 2, 3]
    next(stream)
    clerk.ready = 5
    assert ids(until_quiet(stream)) == [4, 5]
    next(stream)
    assert clerk.waited == [0.1, 0.1, 1.0]


@pytest.mark.parametrize(
    "after",
    [
        None,
        replace(POLICE, status=Status.SUSPENDED),
        replace(POLICE, status=Status.REMOVED),
        replace(POLICE, keys=("k2",)),
        replace(POLICE, keys=("k3", "k2", "k1")),
    ],
)
def test_it_ends_when_the_agency_may_not_read_any_more(clerk: Clerk, after: Agency | None) -> None:
    stream = iter(live(clerk))
    until_quiet(stream)
    clerk.agency_now = replace(after, last=9) if after else None

    assert list(stream) == []


def test_an_older_key_counts_for_a_day(clerk: Clerk, clock: time_machine.Traveller) -> None:
    clerk.agency_now = replace(POLICE, keys=("k2", "k1"), rekeyed_at=NOW)
    stream = iter(live(clerk, until=NOW + timedelta(days=9)))
    until_quiet(stream)
    clock.shift(timedelta(hours=23))
    assert b"feed.heartbeat" in next(stream)
    clock.shift(timedelta(hours=2))

    assert list(stream) == []


def test_it_ends_with_its_token(clerk: Clerk, clock: time_machine.Traveller) -> None:
    stream = iter(live(clerk, until=NOW + timedelta(minutes=5)))
    until_quiet(stream)
    clock.shift(301)

    assert list(stream) == []
