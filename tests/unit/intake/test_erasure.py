"""Of an erased case nothing is left by which anybody could be found, and no later report finds it."""

from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.intake.case import Case, Erasure
from services.intake.model import IntakeModel
from shared.events import check
from shared.kernel import Conflict, Fact, Gone, Message, NotFound, Ref
from tests.acceptance.city import City
from tests.acceptance.people import LI, WANG, consent, report
from tests.acceptance.random_week import random_week

NOW = datetime(2026, 3, 30, 3, tzinfo=UTC)
WHOLE: dict[str, Any] = {
    "category": "domestic_violence",
    "client": {**WANG, "id_number": "330302199105021230"},
    "accused": {**LI, "id_number": "330302198805021230"},
    "consent": consent("police"),
    "safe_contact": {"channels": ["sms"]},
}


def erase(city: City, case_id: str, reason: str = "requested_by_client", at: datetime = NOW) -> tuple[Any, list[Fact]]:
    data = {"case_id": case_id, "reason": reason}
    return city.command(Message(id=f"erase {case_id} {at}", type="erase", time=at, data=data, case=case_id))


def tokens_in(state: Any) -> list[str]:
    """Return the tokens that a state holds; those of the acceptance tests name their space."""
    found = []

    def look(value: Any) -> None:
        if isinstance(value, str) and value.split(":")[0] in {"name", "phone", "id", "place", "birth_year"}:
            found.append(value)
        elif isinstance(value, dict):
            for inner in value.values():
                look(inner)
        elif isinstance(value, list | tuple):
            for inner in value:
                look(inner)

    look(msgspec.to_builtins(state))
    return found


@pytest.fixture
def city() -> City:
    city = City()
    city.receive(report(**WHOLE))
    return city


def test_what_is_left_says_that_there_was_a_case(city: City) -> None:
    (case,) = city.intake.shelf.all("case")
    assert tokens_in(case)
    answer, facts = erase(city, case.id)

    assert answer == {"case_id": case.id, "erased_at": "2026-03-30T03:00:00Z", "reason": "requested_by_client"}
    (erased,) = facts
    assert erased.data == {"case_id": case.id, "district": "330302", "reason": "requested_by_client"}
    check(erased.type, erased.data)
    assert erased.private == {}
    assert list(city.intake.model.erases(erased)) == [case.id]
    left = city.intake.shelf.get("case", case.id)
    assert tokens_in(left) == []
    assert list(city.intake.model.keys(Ref("case", case.id), left)) == []
    assert left == Case(
        id=case.id,
        district="330302",
        place=(),
        opened_at=case.opened_at,
        opened_by=0,
        erased=Erasure(at=NOW, reason="requested_by_client"),
    )


def test_the_same_again_is_answered_the_same(city: City) -> None:
    (case,) = city.intake.shelf.all("case")
    first, _ = erase(city, case.id)

    assert erase(city, case.id, "retention_over", NOW + timedelta(days=1)) == (first, [])
    with pytest.raises(NotFound):
        erase(city, "nobody")


def test_whatever_else_is_asked_about_it_is_gone(city: City) -> None:
    (case,) = city.intake.shelf.all("case")
    erase(city, case.id)

    for command, more in (
        ("open_file", {"purpose": "casework", "audience": "caseworker", "by": "somebody"}),
        ("disclose", {"purpose": "client_notice", "audience": "client", "channel": "sms"}),
        ("withdraw_consent", {"agencies": ["police"], "by": "somebody"}),
    ):
        with pytest.raises(Gone):
            city.command(Message(id=command, type=command, time=NOW, data={"case_id": case.id, **more}))


def test_a_later_report_about_the_same_people_opens_a_new_case_that_has_no_other_side(city: City) -> None:
    (case,) = city.intake.shelf.all("case")
    erase(city, case.id)

    row = city.receive(report("2026-04-01T12:00:00+08:00", **WHOLE))
    against = city.receive(report("2026-04-02T12:00:00+08:00", **{**WHOLE, "client": WHOLE["accused"], "accused": LI}))
    assert row["opens_case"]
    assert row["possible_matches"] == []
    assert row["reasons"] == ["violence_or_harassment"]
    assert against["opens_case"]
    assert all(case.id not in one.other_sides for one in city.intake.shelf.all("case"))


def test_a_report_that_was_answered_before_is_answered_the_same_and_brings_nothing_back(city: City) -> None:
    city = City()
    sent = report(**WHOLE)
    first = city.receive(sent)
    (case,) = city.intake.shelf.all("case")
    erase(city, case.id)

    assert city.receive(sent) == first
    assert tokens_in(city.intake.shelf.get("case", case.id)) == []


@settings(max_examples=15)
@given(seed=st.integers(0, 1_000), data=st.data())
def test_in_any_week_what_is_left_follows_from_public_data_and_nobody_erased_is_found_again(
    seed: int, data: st.DataObject
) -> None:
    """As a fold does it whose keys are destroyed: private data of the erased is not there to be read."""
    week = random_week(seed, 40)
    city = City()
    city.receive_all(week.reports[:25])
    ids = sorted(case.id for case in city.intake.shelf.all("case"))
    erased = data.draw(st.lists(st.sampled_from(ids), unique=True, min_size=1, max_size=4))
    for case_id in erased:
        erase(city, case_id)
    for sent in week.reports[25:]:
        before = len(city.intake.facts)
        with suppress(Conflict):
            city.receive(sent)
        assert not {fact.case for fact in city.intake.facts[before:]} & set(erased)

    model = IntakeModel()
    shelf = model.shelf()
    for fact in city.intake.facts:
        model.evolve(shelf, replace(fact, private={}) if fact.case in erased else fact)
    for case_id in erased:
        assert shelf.get("case", case_id) == city.intake.shelf.get("case", case_id)
        assert tokens_in(shelf.get("case", case_id)) == []
