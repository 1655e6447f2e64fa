"""Feed is killed while it calls: every delivery comes, in order, and a repeat has the same id and the same number."""

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from tests.support.hook import Call, Hook
from tests.support.webhooks import Webhooks

DELIVERIES, AT_ONCE = 1_000, 20
#: After so many calls it is killed, at whatever moment of the next.
KILLED_AT = (60, 200, 333, 480, 620, 800, 950)


@pytest.fixture(autouse=True, scope="session")
def _volunteers() -> None:
    """None are needed here, nor the system in which they are registered."""


@pytest.fixture
def hook() -> Iterator[Hook]:
    def slowly(_: Call) -> int:
        time.sleep(0.004)
        return 204

    with Hook(slowly) as hook:
        yield hook


def make(feed: Webhooks, name: str) -> None:
    """Let deliveries be made, whatever happens to the process."""
    for _ in range(DELIVERIES // AT_ONCE):
        while True:
            try:
                feed.rehearse(name, AT_ONCE)
                break
            except requests.RequestException:
                time.sleep(0.1)


def test_no_gap_no_other_order_and_no_other_number(tmp_path: Path, hook: Hook) -> None:
    with Webhooks(tmp_path) as feed:
        feed.start_all()
        feed.add("police", hook.url)
        maker = threading.Thread(target=make, args=(feed, "police"), daemon=True)
        maker.start()
        for amount in KILLED_AT:
            feed.wait_for(hook, amount, 60)
            time.sleep(0.001 * (amount % 7))
            feed.kill("feed")
            feed.start("feed")
        maker.join(60)
        # a commit whose answer was lost with the process was made again: what counts is what is stored
        last = feed.agency("police")["last"]
        feed.wait_until_taken("police", last)
        stored = {row["state"]["number"]: row["state"]["event_id"] for row in feed.database("feed")["delivery"].find()}

    assert last >= DELIVERIES
    assert sorted(stored) == list(range(1, last + 1))
    assert {(call.number, call.headers["webhook-id"]) for call in hook.calls} == set(stored.items())
    seen = 0
    for call in hook.calls:
        assert call.number in {seen, seen + 1}, "a repeat is of the last one, and nothing overtakes"
        seen = call.number
    repeats = len(hook.calls) - last
    assert repeats <= len(KILLED_AT)
