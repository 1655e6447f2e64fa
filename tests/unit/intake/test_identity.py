"""What is told of the people in a case: exactly the fields that were asked for, of each the latest that is safe."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.intake.contact import Contact, Preference
from services.intake.identity import NARRATIVES, People
from shared.events.vocabulary import IDENTITY_FIELDS

FIRST = datetime(2026, 3, 2, 9, tzinfo=UTC)
NOBODY = Contact()
WISH = Preference(channels=("sms",), hours=None, code_word="图书馆", voicemail=False, received_at=FIRST)


def report(day: int = 0, role: str | None = "self", **said: Any) -> dict[str, Any]:
    """Return a report of a day."""
    whole = {
        "channel": "hotline_12338",
        "received_at": (FIRST + timedelta(days=day)).isoformat(),
        "narrative": f"第{day}天。",
        "reporter": {"role": role} if role else None,
        **said,
    }
    return {name: value for name, value in whole.items() if value is not None}


def told(*reports: dict[str, Any], fields: str, contact: Contact = NOBODY) -> Any:
    """Return the value of one field."""
    part, _, field = fields.partition(".")
    answer = People(reports=reports, contact=contact).told([fields])
    assert set(answer) == {part}
    assert not field or set(answer[part]) == {field}
    return answer[part][field] if field else answer[part]


def leaves(answer: dict[str, Any]) -> set[str]:
    """Return the names of the fields of an answer."""
    names = set()
    for name, value in answer.items():
        nested = name in {"client", "accused"}
        names |= {f"{name}.{inner}" for inner in value} if nested else {name}
    return names


@given(st.lists(st.sampled_from(IDENTITY_FIELDS), unique=True))
def test_what_was_asked_for_is_there_and_nothing_else(fields: list[str]) -> None:
    answer = People(reports=[report()], contact=NOBODY).told(fields)

    assert leaves(answer) == set(fields)


def test_what_nobody_knows_is_null() -> None:
    answer = People(reports=[report()], contact=NOBODY).told([one for one in IDENTITY_FIELDS if one != "narrative"])

    assert answer == {
        "client": dict.fromkeys(("name", "sex", "birth_date", "phone", "id_number", "address")),
        "accused": dict.fromkeys(("name", "relation", "phone", "id_number")),
        "children": None,
        "safe_contact": None,
    }


@pytest.mark.parametrize("field", ["client.sex", "client.birth_date", "client.id_number", "client.address",
                                   "accused.name", "accused.relation", "accused.id_number"])  # fmt: skip
def test_the_latest_that_is_known_counts(field: str) -> None:
    part, _, name = field.partition(".")

    assert (
        told(report(0, **{part: {name: "old"}}), report(1, **{part: {name: "new"}}), report(2), fields=field) == "new"
    )


def test_her_name_is_what_stands_under_client_and_else_what_she_said_as_reporter() -> None:
    herself = {"role": "self", "name": "王某"}

    assert told(report(reporter=herself), fields="client.name") == "王某"
    assert told(report(reporter=herself, client={"name": "王小某"}), fields="client.name") == "王小某"
    assert told(report(client={"name": "王小某"}), report(1, reporter=herself), fields="client.name") == "王某"
    assert told(report(reporter={"role": "neighbour", "name": "赵某"}), fields="client.name") is None


HERS, HIS, NEIGHBOURS = "13800000001", "13800000002", "13800000009"


@pytest.mark.parametrize(
    ("reports", "hers", "his"),
    [
        ([report(client={"phone": HERS}, accused={"phone": HIS})], HERS, HIS),
        ([report(client={"phone": HERS}, accused={"phone": HERS})], None, None),
        ([report(client={"phone": HERS}), report(1, accused={"phone": "+86 138 0000 0001"})], None, None),
        ([report(reporter={"role": "self", "phone": HERS}, accused={"phone": HERS})], None, None),
        ([report(accused={"phone": HIS}), report(1, client={"phone": HERS}, accused={"phone": HERS})], None, HIS),
        ([report(role="neighbour", client={"phone": HERS})], None, None),
        ([report(reporter={"role": "teacher", "phone": NEIGHBOURS}, client={"phone": NEIGHBOURS})], None, None),
        ([report(reporter={"role": "relative", "phone": HIS}, accused={"phone": HIS})], None, None),
        ([report(client={"phone": HERS}), report(1, reporter={"role": "teacher", "phone": HERS})], None, None),
    ],
)
def test_a_number_is_told_of_her_or_of_him_only_where_it_is_nobody_elses(
    reports: list[dict[str, Any]], hers: str | None, his: str | None
) -> None:
    assert told(*reports, fields="client.phone") == hers
    assert told(*reports, fields="accused.phone") == his


def test_her_number_is_first_that_of_the_report_that_brought_her_wish() -> None:
    wished = report(client={"phone": HERS}, safe_contact={"channels": ["sms"]})
    later = report(1, client={"phone": "13800000003"})

    assert told(wished, later, fields="client.phone", contact=Contact(own=WISH)) == HERS
    assert told(wished, later, fields="client.phone") == "13800000003"


def test_children_are_those_that_were_last_listed() -> None:
    older, newer = [{"age": 6, "sex": "male"}], [{"age": 7}]

    assert told(report(children=older), report(1, children=newer), report(2, children=[]), fields="children") == newer


def test_a_wish_is_told_without_her_code_word_and_only_while_nobody_doubts_it() -> None:
    wish = told(report(), fields="safe_contact", contact=Contact(own=WISH))

    assert wish == {"channels": ["sms"], "hours": None, "voicemail": False, "received_at": "2026-03-02T09:00:00Z"}
    assert told(report(), fields="safe_contact", contact=Contact(professional=WISH)) == wish
    assert told(report(), fields="safe_contact", contact=Contact(own=WISH, doubted_at=FIRST)) is None


def test_narratives_come_in_their_order_without_who_reported_any_of_them() -> None:
    neighbour = {"role": "neighbour", "name": "赵小敏", "phone": NEIGHBOURS, "organisation": "某小区物业"}
    reports = [
        report(narrative="她说赵小敏（13800000009）看见了。"),
        report(1, reporter=neighbour, narrative="我是某小区物业的赵小敏。"),
    ]

    assert told(*reports, fields="narrative") == "她说〔报告人〕（〔报告人〕）看见了。\n\n我是〔报告人〕的〔报告人〕。"


def test_of_very_many_narratives_the_latest_leave() -> None:
    text = told(*(report(day) for day in range(NARRATIVES + 5)), fields="narrative")

    assert text.split("\n\n") == [f"第{day}天。" for day in range(5, NARRATIVES + 5)]


def test_a_neighbour_who_reported_stands_in_no_address_and_no_relation() -> None:
    neighbour = {"role": "neighbour", "name": "赵小敏", "organisation": "某小区"}
    said = report(reporter=neighbour, client={"address": "某小区3幢，赵小敏对门"}, accused={"relation": "赵小敏的弟弟"})

    assert told(said, fields="client.address") == "某小区3幢，〔报告人〕对门"
    assert told(said, fields="accused.relation") == "〔报告人〕的弟弟"
