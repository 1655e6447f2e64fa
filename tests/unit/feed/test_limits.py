"""An agency that asks too much is told so, and takes nothing from another."""

import pytest

from services.feed.limits import Buckets, Places
from shared.runtime.problem import TooMany


def drawn(buckets: Buckets, agency: str, now: float, tries: int) -> int:
    """Return how many of some requests pass."""
    passed = 0
    for _ in range(tries):
        try:
            buckets.draw(agency, now)
        except TooMany:
            continue
        passed += 1
    return passed


def test_a_burst_passes_and_then_the_rate() -> None:
    buckets = Buckets(rate=50, burst=200)

    assert drawn(buckets, "police", 1000.0, 300) == 200
    assert drawn(buckets, "police", 1000.5, 300) == 25
    assert drawn(buckets, "police", 1002.5, 300) == 100


def test_who_keeps_asking_in_vain_is_not_held_off_longer() -> None:
    buckets = Buckets(rate=8, burst=1)
    buckets.draw("police", 0.0)
    passed = sum(drawn(buckets, "police", n / 128, 1) for n in range(1, 129))

    assert passed == 8


def test_a_pause_fills_up_to_the_burst_and_no_further() -> None:
    buckets = Buckets(rate=50, burst=200)
    drawn(buckets, "police", 0.0, 200)

    assert drawn(buckets, "police", 86_400.0, 300) == 200


def test_agencies_do_not_use_up_what_is_anothers() -> None:
    buckets, places = Buckets(rate=1, burst=1), Places(1, "no more")
    buckets.draw("police", 0.0)
    buckets.draw("court", 0.0)
    places.take("police")
    places.take("court")

    with pytest.raises(TooMany, match="1 requests a second"):
        buckets.draw("police", 0.5)


def test_places_are_taken_and_given_back() -> None:
    places = Places(2, "two at most")
    places.take("police")
    places.take("police")
    with pytest.raises(TooMany, match="two at most"):
        places.take("police")
    places.give_back("police")
    places.take("police")

    assert places.taken("police") == 2
    assert places.taken("court") == 0


def test_a_place_is_given_back_whatever_happens() -> None:
    places = Places(1, "one")
    with pytest.raises(LookupError), places.held("police"):
        raise LookupError

    assert places.taken("police") == 0
