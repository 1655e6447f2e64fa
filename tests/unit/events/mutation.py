"""Data of events with one thing wrong, or right by accident: what a slip in a decision could publish."""

from collections.abc import Iterator
from copy import deepcopy
from typing import Any

from hypothesis import strategies as st

from shared.events import CATALOGUE, EventType

Path = tuple[str | int, ...]

#: Values that one of the checks could take for another.
PLAIN = (None, True, False, 0, 1, -1, 10**6, "", " ", "true", "injury", "duty", [], [None], {}, "2026-03-02T01:14:00Z")
TRICKY = (
    1.0,
    0.5,
    "injury\n",
    "330302\n",
    "2026-02-30T00:00:00Z",
    "2026-03-02T01:14:00Z\n",
    "2026-03-02t01:14:00z",
    "３３",
)


def places(value: Any, path: Path = ()) -> Iterator[Path]:
    """Return the way to every value inside data."""
    if path:
        yield path
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from places(inner, (*path, key))
    elif isinstance(value, list):
        for n, inner in enumerate(value):
            yield from places(inner, (*path, n))


def at(data: Any, path: Path) -> Any:
    """Return the value at a place."""
    for key in path:
        data = data[key]
    return data


def replaced(data: Any, path: Path, value: object) -> Any:
    """Return data with another value at a place."""
    changed = deepcopy(data)
    at(changed, path[:-1])[path[-1]] = value
    return changed


@st.composite
def mutations(draw: st.DrawFn, junk: tuple[object, ...] = PLAIN) -> tuple[EventType, dict[str, Any]]:
    """Draw an event and data that is its example but for one place."""
    declared = draw(st.sampled_from(list(CATALOGUE)))
    data = deepcopy(dict(declared.example))
    path = draw(st.sampled_from(sorted(places(data), key=str)))
    holder = at(data, path[:-1])
    match draw(st.sampled_from(["replace", "swap", "delete", "add"])):
        case "replace":
            holder[path[-1]] = draw(st.sampled_from(junk))
        case "swap":
            holder[path[-1]] = at(declared.example, draw(st.sampled_from(sorted(places(data), key=str))))
        case "delete":
            del holder[path[-1]]
        case "add" if isinstance(holder, dict):
            holder[draw(st.sampled_from(["id", "grade", "narrative", "姓名"]))] = draw(st.sampled_from(junk))
    return declared, deepcopy(data)
