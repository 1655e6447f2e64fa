"""Whoever asks for too much is held off, also when the broker fails in the middle of it."""

import pytest

from services.feed.guard import AT_ONCE, Guard
from services.feed.partners import Partners
from shared.runtime.unavailable import Unavailable


class Broker(Partners):
    """Partners of whom one asks for too much until it is cut off; the broker fails at first where told so."""

    def __init__(self, failures: int = 0) -> None:
        self.failures = failures
        self.is_away = False
        self.limit: int | None = None
        self.reasons: list[str] = []
        self.asked = {"police": AT_ONCE + 1, "court": AT_ONCE}

    def asked_for(self) -> dict[str, int]:
        if self.is_away:
            raise Unavailable("away")
        return self.asked

    def hold_off(self, agency: str, why: str) -> None:
        self.limit = 0
        self.reasons.append(f"{agency}: {why}")
        if self.failures:
            self.failures -= 1
            raise Unavailable("not now")
        self.asked = {"court": AT_ONCE}

    def let_on(self, agency: str) -> None:
        self.limit = 10


def test_one_that_asks_for_too_much_is_told_why_and_comes_in_again() -> None:
    broker, now = Broker(), [0.0]
    guard = Guard(broker, lambda: now[0])

    assert guard.look() == ["police"]
    assert broker.reasons == ["police: 2001 messages asked for at once (prefetch); 2000 are allowed. Come in 60 s"]
    now[0] = 59.0
    assert (guard.look(), broker.limit) == ([], 0)
    now[0] = 60.0
    assert (guard.look(), broker.limit) == ([], 10)


def test_one_that_could_not_be_closed_is_closed_by_a_later_look_and_comes_in_again() -> None:
    broker, now = Broker(failures=2), [0.0]
    guard = Guard(broker, lambda: now[0])
    looks = []
    for now[0] in (0.0, 20.0, 40.0):
        looks.append(guard.look())

    assert looks == [["police"], [], []]
    assert broker.reasons[-1].endswith("Come in 20 s")
    assert "police" not in broker.asked
    now[0] = 60.0
    assert (guard.look(), broker.limit) == ([], 10)


def test_one_that_cannot_be_closed_shields_nobody() -> None:
    broker = Broker(failures=1)
    broker.asked = {"court": AT_ONCE + 1, "police": AT_ONCE + 1}

    assert Guard(broker, lambda: 0.0).look() == ["court", "police"]
    assert [reason.partition(":")[0] for reason in broker.reasons] == ["court", "police"]


def test_a_broker_that_cannot_be_asked_is_told_of() -> None:
    broker = Broker()
    broker.is_away = True

    with pytest.raises(Unavailable):
        Guard(broker, lambda: 0.0).look()
