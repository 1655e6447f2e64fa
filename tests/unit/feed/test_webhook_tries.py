"""Ten tries over three days, then a person; nothing of an earlier delivery counts for a later one."""

from datetime import UTC, datetime, timedelta

import pytest

from services.feed.agency import Agency, Status, Webhook
from services.feed.cursor import Cursor
from services.feed.tries import GAVE_UP, GONE, Tries, shown
from shared.runtime.settings import Settings
from shared.runtime.variables import BY_NAME

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
DELAYS = Settings.__dataclass_fields__["webhook_delays"].default


def failed(tries: Tries, *, retry_after: float = 0.0) -> Tries:
    return tries.failed(503, NOON, DELAYS, retry_after=retry_after, stop="stop")


def agency(since: int = 0) -> Agency:
    return Agency(
        id="wenzhou-police",
        kind="police",
        districts=("3303",),
        status=Status.ACTIVE,
        opened_at=NOON,
        rekeyed_at=NOON,
        webhook=Webhook.ON,
        since=since,
    )


def test_there_are_ten_tries_over_three_days() -> None:
    tries, waited = Tries(number=1), []
    while not tries.stop:
        tries = failed(tries)
        waited.append(tries.wait(NOON))

    assert tries.count == 10
    assert waited == [5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400, 0]
    assert timedelta(days=3) < timedelta(seconds=sum(waited)) < timedelta(days=3.5)
    assert (tries.why, tries.retry_at, tries.last_status) == (GAVE_UP, None, 503)


def test_the_setting_and_its_description_say_the_same() -> None:
    assert tuple(map(float, BY_NAME["NIANGJIA_WEBHOOK_DELAYS"].default.split(","))) == DELAYS


@pytest.mark.parametrize(
    ("asked", "waits"), [(0, 5), (2, 5), (60, 60), (86_400, 86_400), (1e9, 86_400), (float("inf"), 86_400)]
)
def test_a_partner_may_ask_for_longer_but_not_for_less_nor_for_ever(asked: float, waits: float) -> None:
    assert failed(Tries(number=1), retry_after=asked).wait(NOON) == waits


def test_who_is_gone_is_called_no_more() -> None:
    tries = failed(Tries(number=1)).gone(410, stop="stop")

    assert (tries.why, tries.stop, tries.count, tries.last_status) == (GONE, "stop", 2, 410)


def test_what_is_written_down_is_read_again() -> None:
    tries = failed(Tries(number=8))

    assert Tries.noted(Cursor(number=7, note=tries.note)) == tries
    assert Tries.noted(Cursor(number=7)) == Tries(number=8)


def test_the_tries_of_an_earlier_delivery_do_not_count() -> None:
    assert Tries.noted(Cursor(number=8, note=failed(Tries(number=8)).note)) == Tries(number=9)


def test_what_went_to_an_earlier_agency_of_this_name_is_passed_by() -> None:
    cursor = Cursor(number=7, note=failed(Tries(number=8)).note)

    assert Tries.noted(cursor, since=12) == Tries(number=13)
    assert shown(agency(since=12), cursor)["number"] == 12


def test_operators_see_how_it_stands() -> None:
    assert shown(agency(), Cursor(number=7, note=failed(Tries(number=8)).note)) == {
        "state": "on",
        "number": 7,
        "tries": 1,
        "next_try_at": "2026-03-02T12:00:05Z",
        "last_status": 503,
    }
    assert shown(agency(), Cursor()) == {
        "state": "on",
        "number": 0,
        "tries": 0,
        "next_try_at": None,
        "last_status": None,
    }
