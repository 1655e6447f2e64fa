"""An agency comes in by its own name with a key that counts now; nobody learns of another."""

import time
from datetime import UTC, datetime, timedelta

import pytest
from msgspec.structs import replace

from services.feed.agency import Agency, Status
from services.feed.door import Door
from shared.kernel import NotFound
from shared.runtime.auth import Bearer, Role, Unauthorised
from shared.runtime.problem import Forbidden, TooMany

LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)
POLICE = Agency(
    id="police",
    kind="police",
    districts=("33",),
    status=Status.ACTIVE,
    opened_at=LONG_AGO,
    rekeyed_at=LONG_AGO,
    keys=("k2", "k1"),
)
OURS = Bearer(name="police", role=Role.AGENCY, key="k2")
OLDER = Bearer(name="police", role=Role.AGENCY, key="k1")


def never(name: str) -> Agency | None:
    raise AssertionError("it was looked up")


def test_an_agency_comes_in_to_its_own() -> None:
    assert Door().enter(OURS, "police", lambda _: POLICE) is POLICE


@pytest.mark.parametrize("name", ["court", "nobody"])
def test_of_another_it_does_not_even_learn_whether_it_is_there(name: str) -> None:
    with pytest.raises(Forbidden, match="another agency"):
        Door().enter(OURS, name, never)


def test_a_key_that_was_replaced_does_not_count() -> None:
    with pytest.raises(Unauthorised):
        Door().enter(OLDER, "police", lambda _: POLICE)


def test_a_key_counts_a_day_after_it_was_replaced() -> None:
    now = datetime.now(UTC)
    fresh = replace(POLICE, rekeyed_at=now - timedelta(hours=23))
    late = replace(POLICE, rekeyed_at=now - timedelta(hours=25))

    assert Door().enter(OLDER, "police", lambda _: fresh) is fresh
    with pytest.raises(Unauthorised):
        Door().enter(OLDER, "police", lambda _: late)


@pytest.mark.parametrize("found", [None, replace(POLICE, keys=()), replace(POLICE, keys=("k7",))])
def test_who_has_no_key_any_more_stays_out(found: Agency | None) -> None:
    with pytest.raises(Unauthorised):
        Door().enter(OURS, "police", lambda _: found)


@pytest.mark.parametrize("status", [Status.SUSPENDED, Status.REMOVED])
def test_who_is_not_active_is_told_so(status: Status) -> None:
    with pytest.raises(Forbidden, match=status):
        Door().enter(OURS, "police", lambda _: replace(POLICE, status=status))


def test_who_asks_too_often_is_told_so_and_nothing_is_looked_up(monkeypatch: pytest.MonkeyPatch) -> None:
    # the bucket fills while time passes: a fiftieth of a second lets one more in
    monkeypatch.setattr(time, "monotonic", lambda: 1000.0)
    door = Door()
    for _ in range(200):
        door.enter(OURS, "police", lambda _: POLICE)

    with pytest.raises(TooMany):
        door.enter(OURS, "police", never)
    door.enter(Bearer(name="court", role=Role.AGENCY, key="k2"), "court", lambda _: POLICE)


def test_the_house_looks_at_every_agency() -> None:
    admin = Bearer(name="she", role=Role.ADMIN)
    suspended = replace(POLICE, status=Status.SUSPENDED)

    assert Door().enter(admin, "police", lambda _: suspended) is suspended
    with pytest.raises(NotFound):
        Door().enter(admin, "police", lambda _: None)
