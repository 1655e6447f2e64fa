"""What holds in every week, whoever reports whatever."""

import json
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from shared.events.vocabulary import GRADES
from shared.kernel import Fact, Ref, Shelf
from tests.acceptance.city import WEEK, City, Service, lines, report_command
from tests.acceptance.random_week import random_week

SEEDS = range(6)
REPORTS = 120


def sample() -> City:
    city = City(lines(WEEK / "volunteers.jsonl"))
    city.receive_all([*lines(WEEK / "earlier.jsonl"), *lines(WEEK / "reports.jsonl")])
    return city


def random_city(seed: int) -> City:
    week = random_week(seed, REPORTS)
    city = City(week.volunteers)
    city.receive_all(week.reports)
    return city


@pytest.fixture(scope="module", params=["sample", *SEEDS])
def city(request: pytest.FixtureRequest) -> City:
    return sample() if request.param == "sample" else random_city(request.param)


def states(shelf: Shelf, service: Service) -> dict[str, dict[str, Any]]:
    return {kind: {state_id(kind, state): state for state in shelf.all(kind)} for kind in service.model.kinds}


def state_id(kind: str, state: Any) -> str:
    return state.answer["report_id"] if kind == "report" else state.id


def test_the_states_are_the_fold_of_the_facts(city: City) -> None:
    for service in city.services:
        shelf = service.model.shelf()
        for fact in service.facts:
            service.model.evolve(shelf, fact)
        assert states(shelf, service) == states(service.shelf, service)


def test_a_fact_survives_being_written_down(city: City) -> None:
    for service in city.services:
        shelf = service.model.shelf()
        for fact in service.facts:
            written = msgspec.json.decode(msgspec.json.encode(fact), type=Fact)
            assert written.data == fact.data
            service.model.evolve(shelf, written)
        assert states(shelf, service) == states(service.shelf, service)


def test_a_state_survives_being_stored(city: City) -> None:
    for service in city.services:
        for kind, type_ in service.model.kinds.items():
            for state in service.shelf.all(kind):
                stored = json.loads(json.dumps(msgspec.to_builtins(state)))
                assert msgspec.convert(stored, type_) == state


def test_the_same_message_again_changes_no_state(city: City) -> None:
    causes = [fact for fact in city.intake.facts if fact.type in {"report.received", "case.other_side_found"}]
    message = city.message(causes[-1])
    for service in city.services[1:]:
        before = states(service.shelf, service)
        service.hear(message)
        assert states(service.shelf, service) == before


def test_the_same_reports_again_change_nothing() -> None:
    city, reports = City(), random_week(1, 40).first_reports
    answers = [city.intake.hear(report_command(report))[1] for report in reports]
    before = states(city.intake.shelf, city.intake)
    again = [city.intake.hear(report_command(report)) for report in reports]
    assert again == [([], answer) for answer in answers]
    assert states(city.intake.shelf, city.intake) == before


def test_a_week_gives_the_same_facts_again() -> None:
    once, again = random_city(3), random_city(3)
    assert [one.facts for one in once.services] == [one.facts for one in again.services]


def test_what_wants_names_is_all_that_a_decision_looks_at() -> None:
    week = random_week(4, 60)
    city = City(week.volunteers)
    for report in week.first_reports:
        message = report_command(report)
        narrow = narrowed(city.intake, message)
        assert narrow.hear(message) == city.intake.hear(message)


def narrowed(service: Service, message: Any) -> Service:
    """Return a service that knows only what the message wants."""
    wanted = service.model.wants(message)
    narrow = Service(service.model)
    for ref in wanted.refs:
        if (state := service.shelf.get(*ref)) is not None:
            narrow.shelf.fill(ref, state)
    for key in wanted.keys:
        for state in service.shelf.find(key):
            narrow.shelf.fill(Ref("case", state.id), state)
    return narrow


def cases(city: City) -> Iterator[Any]:
    return city.intake.shelf.all("case")


def test_a_grade_never_falls_and_a_reason_is_never_lost(city: City) -> None:
    seen: dict[str, tuple[int, set[str]]] = {}
    for row in city.rows.values():
        grade, reasons = GRADES.index(row["grade"]), set(row["reasons"])
        before = seen.get(row["case"], (0, set()))
        assert grade >= before[0]
        assert reasons >= before[1]
        assert row["escalated"] == (grade > before[0])
        seen[row["case"]] = grade, reasons


def test_other_sides_know_each_other_and_are_told_apart(city: City) -> None:
    for case in cases(city):
        assert case.id not in case.other_sides
        for other in case.other_sides:
            assert case.id in city.intake.shelf.get("case", other).other_sides


def test_a_counter_report_has_another_side_and_is_barred_from_mediation(city: City) -> None:
    for case in cases(city):
        if case.counter_report:
            assert case.other_sides
            assert "counter_report" in case.mediation_bars


def test_a_barred_case_has_neither_mediation_nor_mediator(city: City) -> None:
    for case in cases(city):
        docket, team = city.referral.shelf.get("docket", case.id), city.volunteer.shelf.get("team", case.id)
        if case.mediation_bars:
            assert not (docket and docket.open_for("mediation"))
            assert not (team and "mediation" in team.filled)


def test_nobody_helps_both_sides_nor_more_cases_than_she_can_nor_whom_she_must_not_meet(city: City) -> None:
    for volunteer in city.volunteer.shelf.all("volunteer"):
        assert len(volunteer.cases) <= volunteer.capacity
        assert len(set(volunteer.cases)) == len(volunteer.cases)
        for case_id in volunteer.cases:
            case = city.intake.shelf.get("case", case_id)
            assert not set(case.other_sides) & set(volunteer.cases)
            names = {*case.client.names, *case.accused.names}
            assert not names & {volunteer.name, *volunteer.must_not_meet_names}
            phones = {*case.client.phones, *case.accused.phones, *case.shared_phones}
            assert not phones & set(volunteer.must_not_meet_phones)


def test_teams_and_volunteers_say_the_same(city: City) -> None:
    helping = {(who, team.id) for team in city.volunteer.shelf.all("team") for who in team.filled.values()}
    assert helping == {(one.id, case) for one in city.volunteer.shelf.all("volunteer") for case in one.cases}


def test_clients_of_one_case_never_have_two_id_numbers(city: City) -> None:
    assert all(len(case.client.ids) <= 1 for case in cases(city))


def test_the_bus_carries_no_person_and_no_narrative(city: City) -> None:
    clear = clear_writing(city)
    for service in city.services:
        for fact in service.facts:
            for text in texts(fact.data):
                assert text not in clear
                assert len(text) <= 36 or text.startswith("place:")


def clear_writing(city: City) -> set[str]:
    """Return what reports and registrations say of persons."""
    reports = [fact.private["report"] for fact in city.intake.facts if fact.type == "report.received"]
    records = [fact.private["record"] for fact in city.volunteer.facts if fact.type == "volunteer.registered"]
    persons = [report.get(part) or {} for report in reports for part in ("reporter", "client", "accused")]
    said = [
        *(person.get(name) for person in persons for name in ("name", "phone", "id_number", "birth_date")),
        *(report["narrative"] for report in reports),
        *((report.get("safe_contact") or {}).get("code_word") for report in reports),
        *(entry for record in records for entry in (record["name"], *record["must_not_meet"])),
    ]
    return {text for text in said if text}


def texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for item in value.values():
            yield from texts(item)
    elif isinstance(value, list):
        for item in value:
            yield from texts(item)
