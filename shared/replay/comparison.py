"""What differs between the events that were expected and those that were found, in words.

Events are told apart by what they are about, not by their numbers: where one is missing, those after it still find
their partners, and that their numbers and ids moved is said once. Only codes, ids, numbers, times and flags are shown;
of anything else it is said that it differs.
"""

import re
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from difflib import SequenceMatcher
from typing import Any

import orjson

from shared.events import CATALOGUE, Catalogue, Event

#: Differences that are told; of the others how many there are.
TOLD = 20
#: Events that are looked at together at most, from the first difference on.
AT_ONCE = 4_000

_MISSING = object()
#: Texts that are shown: ids, codes, times, districts, and numbers of letters. No name, no telephone number, no token.
_SHOWN = re.compile(
    r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|[a-z]{1,3}[0-9]{1,6}|(?!([^0-9]*[0-9]){7})[a-z][a-z0-9]*([_.][a-z0-9]+)*"
    r"|[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]{8,15}(Z|[+-][0-9:]{5})|[0-9]{0,6}|[0-9]{6}-[0-9]{4}-[0-9]{6,9}"
)
#: What moves when something before it is missing or new.
_MOVED = ("id", "sequence")


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One place where what was found is not what was expected."""

    #: "missing", "extra" or "changed".
    kind: str
    #: Of what was expected; None for an extra one.
    expected: Event | None
    #: None for a missing one.
    found: Event | None
    #: Number of the event among those that were expected (found, for an extra one), from 1.
    number: int
    #: The event before it on the same side, None at the beginning.
    after: Event | None = None
    #: Each field that differs, with both values.
    fields: tuple[tuple[str, Any, Any], ...] = ()


def differences(
    expected: Sequence[Event], found: Sequence[Event], catalogue: Catalogue = CATALOGUE
) -> list[Difference]:
    """Return what differs, in order; nothing where each event is equal to its partner in every byte.

    What was expected may be of an older version of its schema: it is compared as the newest version has it.
    """
    expected = [newest(event, catalogue) for event in expected]
    same = _same_at_the_beginning(expected, found)
    theirs, ours = expected[same : same + AT_ONCE], found[same : same + AT_ONCE]
    pairs = _paired(theirs, ours)
    real = list(_differences(pairs, expected, found, same, moved=False))
    return real or list(_differences(pairs, expected, found, same, moved=True))


def newest(event: Event, catalogue: Catalogue = CATALOGUE) -> Event:
    """Return an event as the newest version of its schema has it.

    Raises:
        UnknownEvent, UnknownVersion, InvalidEvent: this release cannot read it.
    """
    version = catalogue.event_type(event.type).version
    if event.version == version:
        return event
    data = catalogue.consume(event.type, event.version, event.data)
    return Event(
        id=event.id,
        source=event.source,
        type=event.type,
        version=version,
        time=event.time,
        subject=event.subject,
        sequence=event.sequence,
        correlation=event.correlation,
        causation=event.causation,
        traceparent=event.traceparent,
        body=orjson.dumps(data),
    )


def described(name: str, found: Sequence[Difference], expected: int, count: int) -> str:
    """Return differences as a text for people.

    Args:
        name: of what was expected, a file.
        found: the differences.
        expected: how many events were expected.
        count: how many were found.
    """
    kinds = [one.kind for one in found]
    counted = [f"{kinds.count(kind)} {kind}" for kind in ("changed", "missing", "extra") if kind in kinds]
    head = f"{name}: not as expected: {', '.join(counted)} (expected {expected} events, found {count})"
    told = [line for one in found[:TOLD] for line in _told(one)]
    more = [f"  … and {len(found) - TOLD} more"] if len(found) > TOLD else []
    return "\n".join([head, *told, *more])


def _same_at_the_beginning(expected: Sequence[Event], found: Sequence[Event]) -> int:
    return next(
        (n for n, (one, other) in enumerate(zip(expected, found, strict=False)) if one != other),
        min(len(expected), len(found)),
    )


def _paired(expected: Sequence[Event], found: Sequence[Event]) -> list[tuple[int | None, int | None]]:
    """Return the places of partners: first those that say the same, between them those alike, then those akin."""
    return list(_pairs(expected, range(len(expected)), found, range(len(found)), (_content, _about, _akin)))


def _pairs(
    expected: Sequence[Event],
    theirs: Sequence[int],
    found: Sequence[Event],
    ours: Sequence[int],
    keys: Sequence[Callable[[Event], Hashable]],
) -> Iterator[tuple[int | None, int | None]]:
    if not (keys and theirs and ours):
        yield from ((place, None) for place in theirs)
        yield from ((None, place) for place in ours)
        return
    key, *rest = keys
    one, other = [key(expected[place]) for place in theirs], [key(found[place]) for place in ours]
    for tag, i, j, k, m in SequenceMatcher(None, one, other, autojunk=False).get_opcodes():
        if tag == "equal":
            yield from zip(theirs[i:j], ours[k:m], strict=True)
        else:
            yield from _pairs(expected, theirs[i:j], found, ours[k:m], rest)


def _content(event: Event) -> Hashable:
    return event.source, event.type, event.version, event.time, event.subject, event.causation, event.body


def _about(event: Event) -> Hashable:
    return event.source, event.type, event.subject, event.causation


def _akin(event: Event) -> Hashable:
    return event.source, event.type, event.causation


def _differences(
    pairs: Sequence[tuple[int | None, int | None]],
    expected: Sequence[Event],
    found: Sequence[Event],
    same: int,
    *,
    moved: bool,
) -> Iterator[Difference]:
    for theirs, ours in pairs:
        one = None if theirs is None else expected[same + theirs]
        other = None if ours is None else found[same + ours]
        place, side = (ours or 0, found) if theirs is None else (theirs, expected)
        at = same + place
        fields = _fields(one, other, moved=moved) if one and other else ()
        if fields or one is None or other is None:
            kind = "changed" if fields else "missing" if other is None else "extra"
            after = side[at - 1] if at else None
            yield Difference(kind=kind, expected=one, found=other, number=at + 1, after=after, fields=fields)


def _fields(expected: Event, found: Event, *, moved: bool) -> tuple[tuple[str, Any, Any], ...]:
    names = ("version", "time", "subject", "correlation", "causation", "traceparent", *(_MOVED if moved else ()))
    pairs = ((name, getattr(expected, name), getattr(found, name)) for name in names)
    changed = [(name, one, other) for name, one, other in pairs if one != other]
    if expected.body != found.body:
        inner = list(_values("data", expected.data, found.data))
        changed += inner or [("the order of the data's fields", _MISSING, _MISSING)]
    return tuple(changed)


def _values(path: str, expected: Any, found: Any) -> Iterator[tuple[str, Any, Any]]:
    if isinstance(expected, Mapping) and isinstance(found, Mapping):
        for name in [*expected, *(name for name in found if name not in expected)]:
            yield from _values(f"{path}.{name}", expected.get(name, _MISSING), found.get(name, _MISSING))
    elif expected != found or type(expected) is not type(found):
        yield path, expected, found


def _told(difference: Difference) -> Iterator[str]:
    event = difference.expected or difference.found
    if event is None:
        return
    yield f"  {difference.kind}: event {difference.number}, {_named(event)}"
    if difference.kind != "changed":
        yield f"    {'after ' + _named(difference.after) if difference.after else 'at the beginning'}"
        for name, value in event.data.items():
            yield f"    data.{name}: {_shown(value)}"
    for name, expected, found in difference.fields:
        if expected is _MISSING is found:
            yield f"    {name}"
        else:
            yield f"    {name}: expected {_shown(expected)}, found {_shown(found)}"


def _named(event: Event) -> str:
    about = f" of case {event.correlation}" if event.correlation else f" about {event.subject}"
    return f"{event.type}{about} at {event.time.isoformat()[:-6]}Z"


def _shown(value: Any) -> str:
    match value:
        case str():
            return f'"{value}"' if _SHOWN.fullmatch(value) else "(not shown)"
        case None | bool() | int():
            return orjson.dumps(value).decode()
        case datetime():
            return f"{value.isoformat()}"
        case dict():
            return "{" + ", ".join(f"{name}: {_shown(inner)}" for name, inner in value.items()) + "}"
        case list():
            return "[" + ", ".join(map(_shown, value)) + "]"
        case _:
            return "nothing" if value is _MISSING else "(not shown)"
