"""No identity fits into an event: there is no place for free text, by the schemas and by trying."""

import re
from collections.abc import Iterator
from copy import deepcopy

import pytest
from marshmallow import RAISE, Schema
from marshmallow.fields import Field

from shared.events import CATALOGUE, EventType, InvalidEvent, check
from shared.events.checker import Checker
from shared.events.fields import Code, Count, Flag, ListOf, Part, Pattern
from tests.unit.events.mutation import Path, at, places, replaced

#: What must never travel. None of it is anybody's.
IDENTITIES = (
    "王某",
    "欧阳某某",
    "Wang Mou",
    "13800000001",
    "+86 138 0000 0001",
    "0577-88000000",
    "330302199105021230",
    "33030219910502123X",
    "某小区5幢602室",
    "330302004012",
    "she@example.invalid",
    "她说丈夫昨晚又打了她。",
    "dialect:王某",
    "a13800000001",
    "a_138_0000_0001",
)

every_event = pytest.mark.parametrize("declared", list(CATALOGUE), ids=lambda declared: declared.type)


def leaves(schema: Schema, path: str) -> Iterator[tuple[str, Field]]:
    """Return every field that holds no other, by its path."""
    assert schema.unknown == RAISE, path
    for name, field in schema.fields.items():
        yield from _leaves(field, f"{path}.{name}")


def _leaves(field: Field, path: str) -> Iterator[tuple[str, Field]]:
    if isinstance(field, Part):
        yield from leaves(field.schema, path)
    elif isinstance(field, ListOf):
        yield from _leaves(field.inner, f"{path}[]")
    else:
        yield path, field


@every_event
def test_every_text_is_a_code_or_matches_a_pattern(declared: EventType) -> None:
    for path, field in leaves(declared.schema(), declared.type):
        match field:
            case Code():
                assert all(re.fullmatch(r"[a-z0-9_.]*", code) for code in field.codes), path
            case Pattern():
                fitting = [text for text in IDENTITIES if re.fullmatch(field.pattern, text)]
                assert not fitting, f"{path} lets {fitting} pass"
                assert field.validators, path
            case Flag() | Count():
                pass
            case _:
                pytest.fail(f"{path} is a {type(field).__name__}, which could hold anything")


@every_event
def test_an_identity_is_refused_wherever_it_is_put(declared: EventType) -> None:
    data = deepcopy(dict(declared.example))
    checker = Checker(declared.schema)
    for path in places(data):
        for identity in IDENTITIES:
            assert not checker.accepts(replaced(data, path, identity), strict=True), path
            for wrong in (with_item(data, path, identity), with_key(data, path, identity)):
                assert wrong is None or not checker.accepts(wrong, strict=True), path


@every_event
def test_a_refusal_does_not_repeat_the_identity(declared: EventType) -> None:
    data = deepcopy(dict(declared.example))
    for path in places(data):
        wrong = with_key(data, path, "王某") or replaced(data, path, "13800000001")
        with pytest.raises(InvalidEvent) as caught:
            check(declared.type, wrong)
        assert not re.search("王某|13800000001", str(caught.value))


def with_item(data: dict, path: Path, text: str) -> dict | None:
    """Return data with a text more in the list at a place; None where there is no list."""
    value = at(data, path)
    return replaced(data, path, [*value, text]) if isinstance(value, list) else None


def with_key(data: dict, path: Path, text: str) -> dict | None:
    """Return data with a text as a further key of the object at a place; None where there is no object."""
    value = at(data, path)
    return replaced(data, path, {**value, text: text}) if isinstance(value, dict) else None
