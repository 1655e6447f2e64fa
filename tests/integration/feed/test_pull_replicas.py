"""Two replicas of feed: each sends what the other made, and an agency goes on at the one that is left."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.feed.partner import COUNTY, Partner, Town, subscribe
from tests.integration.runtime.bus import Bus
from tests.support.system import System, wait_until

REPLICAS = {"feed": "services.feed.service", "feed2": "services.feed.service"}


@pytest.fixture
def system(tmp_path: Path) -> Iterator[System]:
    with System(tmp_path, services=REPLICAS) as system:
        system.start_all()
        yield system
        for name in REPLICAS:
            assert "Traceback" not in system.log_file(name).read_text(errors="replace")


def test_each_sends_what_the_other_made_and_one_is_enough(system: System) -> None:
    here = subscribe(system, "police")
    there = Partner(system, "police", here.token, "feed2")
    with Bus(system.settings("feed")) as bus, here.follow(resume=True) as one, there.follow(resume=True) as other:
        town = Town(bus)
        wait_until(lambda: one.statuses and other.statuses, "both streams")
        taken = []
        for number in range(1, 6):
            town.referrals(1, COUNTY)
            began = time.monotonic()
            wait_until(lambda n=number: one.numbers[-1:] == other.numbers[-1:] == [n], "it to come to both", 10)
            taken.append(time.monotonic() - began)
        assert sorted(taken)[-2] < 2.5, "one of them may meet a slow moment of the machine"
        system.kill("feed")
        town.referrals(20, COUNTY)
        other.wait_for(25, 40)
        system.start("feed")
        one.wait_for(25, 40)

    assert one.numbers == other.numbers == list(range(1, 26))
