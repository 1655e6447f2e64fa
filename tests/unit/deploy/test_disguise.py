"""What is told of invented people is decided as what was told of those who stand behind them."""

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import pytest
from marshmallow import fields

from deploy.city import told_about_case, told_report, told_volunteer, whole_city
from deploy.recording.command import RECEIVED, REGISTERED, Commands
from deploy.recording.disguise import Disguise
from deploy.recording.entry import Entry
from deploy.recording.people import People
from deploy.recording.person import report_table, strings, volunteer_table
from deploy.sample import WEEK
from services.intake.schemas import Report
from services.volunteer.schemas import Volunteer
from shared.events import Event
from shared.kernel import Conflict, Fact
from shared.privacy import BlindIndex
from shared.replay.golden import differing
from shared.replay.pseudonym import Pseudonyms
from shared.replay.recording import Command, to_document
from tests.acceptance.random_week import random_week

KEY = b"k" * 32
#: What makes tokens in the city that is recorded.
BLIND = BlindIndex(b"b" * 32)
SEEDS = range(5)


def lines(name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (WEEK / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()]


def people_of(name: str) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Return the volunteers and the reports of the sample week, or of a random one."""
    if name == "sample":
        volunteers, reports = lines("volunteers"), [*lines("earlier"), *lines("reports")]
    else:
        week = random_week(int(name), 120)
        volunteers, reports = list(week.volunteers), list(week.reports)
    return volunteers, sorted(reports, key=lambda one: datetime.fromisoformat(one["received_at"]))


def lived(commands: Iterable[Command]) -> list[Entry]:
    """Return what the services of a city wrote down, in its order."""
    kept: list[tuple[str, Sequence[Fact]]] = []
    city = whole_city(keep=lambda service, facts: kept.append((service, list(facts))))
    found: list[Entry] = []
    for command in commands:
        kept.clear()
        try:
            events = list(city.tell(command).events)
        except Conflict:
            continue
        found += (_entry(service, facts, events) for service, facts in kept)
    return found


def _entry(service: str, facts: Sequence[Fact], events: list[Event]) -> Entry:
    own = [event for event in events if event.source == service][: len(facts)]
    for event in own:
        events.remove(event)
    return Entry(
        service=service,
        number=own[0].sequence,
        cause=own[0].causation,
        at=own[0].time,
        facts=tuple(facts),
        ids=tuple(event.id for event in own),
    )


@pytest.fixture(scope="module", params=["sample", *map(str, SEEDS)])
def week(request: pytest.FixtureRequest) -> list[Entry]:
    volunteers, reports = people_of(request.param)
    told = [*(told_volunteer(one, BLIND) for one in volunteers), *(told_report(one, BLIND) for one in reports)]
    entries = lived(told)
    case = next(entry.facts[-1] for entry in entries if RECEIVED in entry.types and entry.facts[-1].data)
    more = told_about_case("withdraw_consent", case.case, case.time, agencies=["police", "justice"], by="某接线员")
    return lived([*told, more])


def disguised(week: Sequence[Entry]) -> tuple[list[Command], list[Event]]:
    """Return what was told of invented people, and what was said to it."""
    people = People(KEY, BLIND, [entry for entry in week if entry.types & {RECEIVED, REGISTERED}])
    commands, disguise = Commands(), Disguise(people)
    told, said = [], []
    for entry in week:
        if command := commands.of(entry):
            told.append(disguise.command(command))
        facts = list(zip(entry.ids, entry.facts, strict=True))
        said += disguise.events(entry, disguise.in_order(facts))
    return told, said


def test_the_same_is_said(week: list[Entry]) -> None:
    told, said = disguised(week)

    city = whole_city()
    replayed = [event for command in told for event in city.take(command)]
    assert len(replayed) > 600
    assert not city.refused
    assert differing(said, replayed) == []


def test_nobody_is_named(week: list[Entry]) -> None:
    told, said = disguised(week)

    text = "\n".join(json.dumps(to_document(line), ensure_ascii=False) for line in [*told, *said])
    nobody = Pseudonyms(b"")
    real = {
        text
        for entry in week
        for private in [fact.private for fact in entry.facts]
        for text in (
            *strings(report_table(nobody, lambda born: born), private.get("report", {})),
            *strings(volunteer_table(nobody), private.get("record", {})),
        )
    }
    dates = {one for one in real if one[:4].isdigit() and one[4:5] == "-"}
    found = [one for one in real - dates if len(one) > 2 and not one.isascii() and one in text]
    assert found == []
    assert not [one for one in real if len(one) > 6 and one.isdigit() and one in text]
    assert len(real) > 100


def test_the_same_people_are_the_same_invented_ones_later() -> None:
    _, reports = people_of("sample")
    told = [told_report(one, BLIND) for one in reports]

    (first, _), (later, _) = disguised(lived(told[:60])), disguised(lived(told))

    names = [[(one.message.data["report"].get("client") or {}).get("name") for one in some] for some in (first, later)]
    assert names[0] == names[1][: len(first)]
    assert [one.message.id for one in first] == [one.message.id for one in later[: len(first)]]


def test_every_field_is_thought_of() -> None:
    nobody = Pseudonyms(b"")

    assert shape(report_table(nobody, lambda born: born)) == form(Report())
    assert shape(volunteer_table(nobody)) == form(Volunteer())


def shape(table: Any) -> Any:
    if isinstance(table, Mapping):
        return {name: shape(change) for name, change in table.items()}
    return shape(table[0]) if isinstance(table, list) else None


def form(schema: Any) -> Any:
    if isinstance(schema, fields.Nested):
        return form(schema.schema)
    if isinstance(schema, fields.List):
        return form(schema.inner)
    if not hasattr(schema, "fields"):
        return None
    return {field.data_key or name: form(field) for name, field in schema.fields.items()}


def test_free_words_where_a_code_should_stand_are_not_kept() -> None:
    volunteers, reports = people_of("sample")
    strange = {**reports[0], "accused": {"name": "李某", "relation": "她在某厂的丈夫"}}
    listed = {
        **volunteers[0],
        "skills": ["law", "dialect:某某话"],
        "certificates": [{"name": "某证", "expires": "2030-01-01"}],
    }

    told, _ = disguised(lived([told_report(strange, BLIND), told_volunteer(listed, BLIND)]))

    text = json.dumps([to_document(one) for one in told], ensure_ascii=False)
    assert not [one for one in ("丈夫", "某某话", "某证", "某厂") if one in text]
    assert told[1].message.data["volunteer"]["skills"][0] == "law"
