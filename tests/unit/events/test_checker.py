"""The compiled check says what marshmallow says."""

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from marshmallow import fields

from shared.events import CATALOGUE, EventType
from shared.events.checker import Checker
from shared.events.fields import Data
from tests.unit.events.mutation import PLAIN, TRICKY, mutations

CHECKERS = {declared.type: Checker(declared.schema) for declared in CATALOGUE}


@settings(max_examples=600)
@given(mutations(PLAIN + TRICKY))
def test_both_say_the_same_of_what_may_be_published(case: tuple[EventType, dict[str, Any]]) -> None:
    declared, data = case

    errors = declared.schema().validate(data)

    assert CHECKERS[declared.type].accepts(data, strict=True) == (not errors), errors
    assert (CHECKERS[declared.type].fault(data, strict=True) is None) == (not errors)


@settings(max_examples=300)
@given(mutations(PLAIN + TRICKY))
def test_what_is_read_is_as_strict_but_for_what_was_added(case: tuple[EventType, dict[str, Any]]) -> None:
    declared, data = case

    wrong = [reason for reason in reasons(declared.schema().validate(data)) if reason != "Unknown field."]

    assert CHECKERS[declared.type].accepts(data, strict=False) == (not wrong), wrong
    assert (CHECKERS[declared.type].fault(data, strict=False) is None) == (not wrong)


def reasons(errors: Any) -> Iterator[str]:
    """Return every reason in marshmallow's tree of errors."""
    if isinstance(errors, dict):
        for inner in errors.values():
            yield from reasons(inner)
    else:
        yield from errors


@pytest.mark.parametrize("declared", list(CATALOGUE), ids=lambda declared: declared.type)
def test_the_fast_way_accepts_every_example(declared: EventType) -> None:
    assert CHECKERS[declared.type].accepts(declared.example, strict=True)
    assert CHECKERS[declared.type].accepts(declared.example, strict=False)


def test_data_that_has_no_end_is_wrong_not_fatal() -> None:
    deep: dict[str, Any] = {}
    for _ in range(100_000):
        deep = {"report": deep}

    assert CHECKERS["report.received"].fault(deep, strict=True) is not None


@pytest.mark.parametrize("data", [None, "text", 7, [], [("report", 1)]])
def test_data_that_is_no_object_is_wrong_as_a_whole(data: Any) -> None:
    assert CHECKERS["report.received"].fault(data, strict=True) == ("", "Invalid input type.")


def test_a_field_that_nobody_knows_how_to_check_is_refused_at_once() -> None:
    class Careless(Data):
        note = fields.String()

    with pytest.raises(TypeError, match="no rule how to check a String"):
        Checker(Careless)
