"""Forms take nothing that only looks right, and name every field that is wrong."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from hypothesis import given
from hypothesis import strategies as st
from marshmallow import ValidationError

from shared.runtime.field import Code, Count, Day, Flag, Items, Moment, Part, Text
from shared.runtime.form import MAX_FAULTS, Form, load
from shared.runtime.problem import Fault, Invalid

NOW = datetime(2026, 3, 9, 12, tzinfo=UTC)


class Child(Form):
    age = Count(0, 120)


class Everything(Form):
    text = Text(10)
    lines = Text(100, lines=True)
    number = Text(10, pattern=r"\d+", what="digits")
    code = Code(("red", "blue"))
    flag = Flag()
    count = Count(1, 9)
    moment = Moment()
    day = Day()
    children = Items(Part(Child, required=True), 3)
    child = Part(Child)


FORM = Everything()


class Strict(Form):
    code = Code(("red",), required=True)


@pytest.mark.parametrize(
    ("field", "value", "reason"),
    [
        ("text", 1, "must be a text"),
        ("text", "", "must not be empty"),
        ("text", " \u3000", "must not be empty"),
        ("text", "x" * 11, "at most 10"),
        ("text", "a\nb", "control character"),
        ("text", "a\u2028b", "control character"),
        ("text", "a\x00", "control character"),
        ("text", "\ud83d", "half a character"),
        ("lines", "a\x1bb", "control character"),
        ("number", "12a", "must be digits"),
        ("number", "12\n", "control character"),
        ("code", "RED", "one of: red, blue"),
        ("code", ["red"], "one of: red, blue"),
        ("flag", 1, "true or false"),
        ("flag", "true", "true or false"),
        ("count", 0, "from 1 to 9"),
        ("count", 10, "from 1 to 9"),
        ("count", 1.0, "from 1 to 9"),
        ("count", True, "from 1 to 9"),
        ("count", "1", "from 1 to 9"),
        ("moment", "2026-03-09", "must be a time"),
        ("moment", "2026-02-30T10:00:00+08:00", "must be a time"),
        ("moment", "2026-03-09T10:00:00", "must carry an offset"),
        ("moment", "2026-03-09T25:00:00Z", "must be a time"),
        ("moment", "1989-12-31T23:59:59Z", "before 1990"),
        ("moment", "0001-01-01T00:00:00+14:00", "outside the calendar"),
        ("moment", "2026-03-09T12:05:01Z", "in the future"),
        ("moment", 1772000000, "must be a time"),
        ("day", "2026-3-9", "must be a day"),
        ("day", "2025-02-29", "must be a day"),
        ("day", "1899-12-31", "before 1900"),
        ("day", "2026-03-10", "in the future"),
        ("children", {"age": 1}, "must be a list"),
        ("children", [{}] * 4, "at most 3"),
        ("child", [], "must be an object"),
    ],
)
@time_machine.travel(NOW, tick=False)
def test_what_only_looks_right_is_refused(field: str, value: Any, reason: str) -> None:
    with pytest.raises(Invalid) as caught:
        load(FORM, {field: value})

    (fault,) = caught.value.faults
    assert fault.field == field
    assert reason in fault.reason


RIGHT = {
    "text": "王",
    "lines": "one\ntwo",
    "number": "042",
    "code": "red",
    "flag": False,
    "count": 9,
    "moment": "2026-03-09T20:04:59+08:00",
    "day": "2026-03-09",
    "children": [{"age": 6}, {}],
    "child": {"age": 7},
}


@time_machine.travel(NOW, tick=False)
def test_what_is_right_is_taken() -> None:
    sent = {
        **RIGHT,
        "text": "王 e\u0301",
        "lines": "one\ntwo\ttabbed",
        "children": [{"age": 6}, {"age": None}],
        "child": {},
    }

    assert load(FORM, sent) == {
        **sent,
        "text": "王 é",
        "moment": "2026-03-09T12:04:59+00:00",
        "children": [{"age": 6}, {}],
    }


ODD = (
    None,
    "",
    "x",
    "042",
    "red",
    "e\u0301",
    0,
    7,
    7.0,
    True,
    [],
    [None],
    [{}],
    [{"age": 7}] * 4,
    {},
    {"age": 7},
    {"x": 1},
)


class Slow(Everything):
    """Read by marshmallow alone."""

    @property
    def read(self) -> Any:
        raise ValidationError("it does not read by itself")


class Renamed(Form):
    inner = Items(Code(("red",)), 2, required=True, data_key="fields")


class SlowRenamed(Renamed):
    read = Slow.read


def outcome(form: Form, sent: Any) -> Any:
    """Return what a form says, in its order, or what is wrong."""
    try:
        return list(load(form, sent).items())
    except Invalid as error:
        return error.faults


@pytest.mark.parametrize("value", ODD, ids=repr)
@pytest.mark.parametrize("name", [*FORM.fields, "unknown"])
@time_machine.travel(NOW, tick=False)
def test_what_is_read_is_what_marshmallow_reads(name: str, value: Any) -> None:
    for sent in ({name: value}, {**RIGHT, name: value}, {name: value, **RIGHT}, {**RIGHT, "child": {name: value}}):
        assert outcome(FORM, sent) == outcome(Slow(), sent)
    assert outcome(FORM, value) == outcome(Slow(), value)


@pytest.mark.parametrize("value", [*ODD, ["red"], ["red", "red", "red"], ["red", None], ["blue"]], ids=repr)
@pytest.mark.parametrize("name", ["fields", "inner"])
def test_a_field_is_read_by_the_name_that_it_is_sent_by(name: str, value: Any) -> None:
    for sent in ({name: value}, {}, {"fields": ["red"], name: value}):
        assert outcome(Renamed(), sent) == outcome(SlowRenamed(), sent)


@time_machine.travel(NOW, tick=False)
def test_what_is_in_form_needs_no_marshmallow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Form, "load", None)

    assert load(FORM, {**RIGHT, "text": None})["children"] == RIGHT["children"]


@time_machine.travel(NOW + timedelta(hours=5), tick=False)
def test_a_day_that_has_begun_in_china_has_begun() -> None:
    assert load(FORM, {"day": "2026-03-10"}) == {"day": "2026-03-10"}


def test_what_is_null_is_left_out_but_not_where_it_is_required() -> None:
    assert load(FORM, {"text": None, "child": None}) == {}
    for sent, reason in (({"code": None}, "must not be null"), ({}, "is missing")):
        with pytest.raises(Invalid, match=reason):
            load(Strict(), sent)


def test_faults_inside_lists_are_found_by_their_path() -> None:
    with pytest.raises(Invalid) as caught:
        load(FORM, {"children": [{"age": 1}, {"age": -1}, {"name": "x"}], "unknown": 1})

    assert {fault.field for fault in caught.value.faults} == {"children.1.age", "children.2.name", "unknown"}


def test_an_answer_does_not_grow_with_the_rubbish() -> None:
    with pytest.raises(Invalid) as caught:
        load(FORM, {f"unknown{n}": 1 for n in range(10_000)})

    assert len(caught.value.faults) == MAX_FAULTS


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(), max_size=12),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


def faults(sent: Any) -> Sequence[Fault]:
    try:
        load(FORM, sent)
    except Invalid as error:
        return error.faults
    return ()


@given(sent=st.dictionaries(st.sampled_from([*FORM.fields, "x"]), ANYTHING, max_size=4) | ANYTHING)
def test_anything_is_taken_or_refused_with_reasons(sent: Any) -> None:
    assert all(fault.field and fault.reason for fault in faults(sent))
    assert outcome(FORM, sent) == outcome(Slow(), sent)
