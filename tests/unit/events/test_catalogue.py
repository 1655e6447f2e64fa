"""The catalogue: nothing unknown or invalid is published, and what others publish is read with tolerance."""

from copy import deepcopy
from typing import Any

import pytest

from shared.events import (
    CATALOGUE,
    Catalogue,
    EventType,
    InvalidEvent,
    Publisher,
    UnknownEvent,
    UnknownVersion,
    check,
    consume,
    event_type,
    listeners_of,
)
from shared.events.fields import Count, Data, Flag, OpenCode
from shared.runtime.variables import SERVICES
from tests.unit.events.mutation import replaced

every_event = pytest.mark.parametrize("declared", list(CATALOGUE), ids=lambda declared: declared.type)


def example(type: str) -> dict[str, Any]:
    return deepcopy(dict(event_type(type).example))


@every_event
def test_every_event_is_described(declared: EventType) -> None:
    assert declared.version >= 1
    assert declared.owner in SERVICES
    assert declared.about.endswith(".")
    assert declared.listeners or declared.reason.endswith(".")
    assert set(declared.listeners) <= set(SERVICES) - {declared.owner}


@every_event
def test_every_example_may_be_published_and_is_understood(declared: EventType) -> None:
    check(declared.type, declared.example)

    assert consume(declared.type, declared.version, declared.example) == declared.example


def test_the_queues_follow_from_the_listeners() -> None:
    assert listeners_of("intake") == {
        "feed": ("case.created", "risk.escalated", "consent.withdrawn", "case.erased"),
        "notification": ("report.received",),
        "referral": ("report.received", "case.other_side_found", "consent.withdrawn"),
        "volunteer": ("report.received", "case.other_side_found"),
    }
    assert listeners_of("feed") == {"referral": ("receipt.recorded",)}
    assert listeners_of("nobody") == {}


@pytest.mark.parametrize("call", [event_type, lambda name: check(name, {}), lambda name: consume(name, 1, {})])
def test_an_unknown_event_is_refused(call: Any) -> None:
    with pytest.raises(UnknownEvent, match=r"case\.forgotten"):
        call("case.forgotten")


@pytest.mark.parametrize(
    ("path", "value", "field"),
    [
        (("case", "grade"), "purple", "case.grade"),
        (("case", "client", "names"), ["王某"], "case.client.names[0]"),
        (("case", "client", "phones"), ["kP3vXq9ZbL0mT7sYw2RdHA", "13800000001"], "case.client.phones[1]"),
        (("case", "district"), "330302004012", "case.district"),
        (("case", "opened_at"), "2026-03-02T01:14:00", "case.opened_at"),
        (("case", "opened_at"), "2026-02-30T01:14:00Z", "case.opened_at"),
        (("case", "child_case"), 1, "case.child_case"),
        (("case", "factors"), "injury", "case.factors"),
        (("case", "narrative"), "…", "case.narrative"),
        (("report", "category"), "", "report.category"),
        (("report", "王某"), "x", "report.?"),
        (("report",), None, "report"),
    ],
)
def test_the_field_that_is_wrong_is_named(path: tuple[str, ...], value: object, field: str) -> None:
    data = replaced(example("report.received"), path, value)

    with pytest.raises(InvalidEvent) as caught:
        check("report.received", data)

    assert (caught.value.type, caught.value.field) == ("report.received", field)
    assert caught.value.reason
    assert str(value) not in caught.value.reason or value in (None, 1, "")


def test_a_missing_field_is_named() -> None:
    data = example("notice.sent")
    del data["channel"]

    with pytest.raises(InvalidEvent, match=r"notice.sent: channel: Missing"):
        check("notice.sent", data)


def test_a_field_that_may_be_null_may_be_null() -> None:
    data = example("report.received")
    data["report"]["category"] = None

    check("report.received", data)


def test_who_reads_passes_over_fields_that_a_later_release_added() -> None:
    data = example("report.received")
    data["case"]["court"] = "…"
    data["later"] = {"a": 1}

    assert consume("report.received", 1, data) == data


def test_who_reads_refuses_what_is_wrong_for_all_that_was_added() -> None:
    data = example("report.received")
    data["a_later"] = 1
    data["case"]["grade"] = "purple"

    with pytest.raises(InvalidEvent) as caught:
        consume("report.received", 1, data)

    assert caught.value.field == "case.grade"


@pytest.mark.parametrize("version", [0, 2, 99])
def test_a_version_that_is_not_known_is_refused(version: int) -> None:
    with pytest.raises(UnknownVersion, match=rf"version {version}, this release knows up to 1"):
        consume("notice.sent", version, example("notice.sent"))


kitchen = Publisher("kitchen")


@kitchen.event(
    "cake.baked",
    version=3,
    listeners=("guests",),
    example={"flavour": "plum", "pieces": 12, "warm": False},
)
class CakeBaked(Data):
    """A cake comes out of the oven."""

    flavour = OpenCode()
    pieces = Count(to=100)
    warm = Flag()
    #: Came later, so the version stayed.
    candles = Count(to=200, required=False)


@kitchen.upcaster("cake.baked", from_version=1)
def _count_the_pieces(data: dict[str, Any]) -> dict[str, Any]:
    return {"taste": data["taste"], "pieces": 8 if data["halves"] else 1}


@kitchen.upcaster("cake.baked", from_version=2)
def _call_it_flavour(data: dict[str, Any]) -> dict[str, Any]:
    rest = {key: value for key, value in data.items() if key != "taste"}
    return {**rest, "flavour": data["taste"], "warm": True}


BAKERY = Catalogue(kitchen)


def test_an_old_version_is_brought_to_the_newest_step_by_step() -> None:
    published = {"taste": "plum", "halves": True}

    assert BAKERY.consume("cake.baked", 1, published) == {"flavour": "plum", "pieces": 8, "warm": True}
    assert published == {"taste": "plum", "halves": True}


def test_a_middle_version_takes_the_remaining_steps() -> None:
    read = BAKERY.consume("cake.baked", 2, {"taste": "plum", "pieces": 3, "later": 1})

    assert read == {"flavour": "plum", "pieces": 3, "warm": True, "later": 1}


def test_what_an_upcaster_makes_is_checked() -> None:
    with pytest.raises(InvalidEvent, match="pieces"):
        BAKERY.consume("cake.baked", 2, {"taste": "plum", "pieces": -1})


def test_an_optional_field_may_be_there_or_not() -> None:
    BAKERY.check("cake.baked", {"flavour": "plum", "pieces": 12, "warm": False})
    BAKERY.check("cake.baked", {"flavour": "plum", "pieces": 12, "warm": False, "candles": 7})
    with pytest.raises(InvalidEvent, match="candles"):
        BAKERY.check("cake.baked", {"flavour": "plum", "pieces": 12, "warm": False, "candles": None})


def test_only_the_newest_version_is_published() -> None:
    with pytest.raises(InvalidEvent, match="flavour: Missing"):
        BAKERY.check("cake.baked", {"taste": "plum", "pieces": 3})


def test_a_version_without_an_upcaster_from_each_older_one_is_refused() -> None:
    hasty = Publisher("kitchen")
    hasty.event("cake.baked", version=3, reason="None.", example={"pieces": 1})(CakeBaked)
    hasty.upcaster("cake.baked", from_version=1)(_count_the_pieces)

    with pytest.raises(ValueError, match="no upcaster from version 2"):
        Catalogue(hasty)


def test_an_event_is_declared_once() -> None:
    with pytest.raises(ValueError, match="declared twice"):
        Catalogue(kitchen, kitchen)


@pytest.mark.parametrize(
    "wrong",
    [
        {"listeners": (), "reason": ""},
        {"listeners": ("guests",), "reason": "There are none."},
        {"listeners": ("kitchen",)},
        {"version": 0},
        {"example": {}},
    ],
)
def test_a_declaration_that_leaves_something_open_is_refused(wrong: dict[str, Any]) -> None:
    proper: dict[str, Any] = {"version": 1, "listeners": ("guests",), "example": {"pieces": 1}}

    with pytest.raises(ValueError, match=r"cake\.baked"):
        Publisher("kitchen").event("cake.baked", **{**proper, **wrong})(CakeBaked)
