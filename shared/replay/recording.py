"""Recordings: what services were told, one JSON object a line (NDJSON).

A line is one of three:

- an event of the bus: a CloudEvent in structured mode, as it was published;
- a command, `"type": "command.<name>"`: who was told (`to`), its id, its time, its data, and the case it belongs to
  (`correlationid`) where it belongs to one;
- what the shell of a service added to an event before it was decided, `"type": "added.<service>"`: the id is that of
  the event. Notification asks intake how a client wishes to be told, for instance.

What a replay says is written in the same form, so it can be replayed again.
"""

import os
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import orjson

from shared.events import Event, Unreadable, from_structured, to_structured
from shared.kernel import Message

COMMAND = "command."
ADDED = "added."
#: Where commands come from, as CloudEvents wants to know.
_EDGE = "/edge"
#: Of an id that may travel in a header.
_ID = re.compile(r"[\x21-\x7e]{1,255}")
_NAME = re.compile(r"[a-z][a-z0-9_-]{0,62}")


class BadRecording(Exception):
    """A line that cannot be read; says where it stands and what is wrong, and quotes nothing of it."""

    def __init__(self, name: str, number: int, reason: str) -> None:
        super().__init__(f"{name}:{number}: {reason}")
        self.name = name
        self.number = number
        self.reason = reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """What a service was told to do."""

    #: The service.
    to: str
    message: Message


@dataclass(frozen=True, slots=True, kw_only=True)
class Addition:
    """What the shell of a service added to an event, for the service's own decision only."""

    #: The service.
    to: str
    #: Id of the event.
    event: str
    #: Joins the data of the event.
    data: Mapping[str, Any]


#: One line of a recording.
Line = Event | Command | Addition


class Recorded(NamedTuple):
    """A line, and where it stands."""

    #: Counts from 1.
    number: int
    line: Line


def read(path: Path, name: str = "") -> Iterator[Recorded]:
    """Yield the lines of a recording, one after the other.

    Args:
        path: the file.
        name: what errors call it; its path where none is given.

    Raises:
        OSError: it cannot be opened.
        BadRecording: a line is none of those that a recording may hold.
    """
    with path.open("rb") as file:
        yield from read_lines(file, name or str(path))


def read_lines(lines: Iterable[bytes], name: str) -> Iterator[Recorded]:
    """Yield what lines hold that come from anywhere, a pipe for instance.

    Raises:
        BadRecording: a line is none of those that a recording may hold.
    """
    for number, text in enumerate(lines, start=1):
        try:
            line = from_document(_object(text))
        except Unreadable as error:
            raise BadRecording(name, number, error.reason) from None
        yield Recorded(number, line)


def write(path: Path, lines: Iterable[Line]) -> int:
    """Write a recording, put in its place when it is whole; return the number of its lines."""
    draft = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with draft.open("wb") as file:
            count = write_lines(file, lines)
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
    return count


def write_lines(file: BinaryIO, lines: Iterable[Line]) -> int:
    """Write lines to an open file; return their number."""
    count = 0
    for count, line in enumerate(lines, start=1):  # noqa: B007  the last is what is returned
        file.write(orjson.dumps(to_document(line), option=orjson.OPT_APPEND_NEWLINE))
    return count


def to_document(line: Line) -> dict[str, Any]:
    """Return a line as a JSON object.

    Raises:
        Unreadable: the body of an event is not a JSON object.
    """
    match line:
        case Event():
            return to_structured(line)
        case Command(to=to, message=message):
            return _document(
                id=message.id,
                type=COMMAND + message.type,
                to=to,
                time=message.time.astimezone(UTC).isoformat()[:-6] + "Z",
                subject=message.subject,
                correlationid=message.case,
                data=message.data,
            )
        case Addition(to=to, event=event, data=data):
            return _document(id=event, type=ADDED + to, to=to, data=data)


def from_document(document: Mapping[str, Any]) -> Line:
    """Return the line that a JSON object is.

    Raises:
        Unreadable: it is none; the reason names the attribute, never a value.
    """
    kind = document.get("type")
    if isinstance(kind, str) and kind.startswith(COMMAND):
        return Command(to=_matched(document, "to", _NAME), message=_message(document, kind.removeprefix(COMMAND)))
    if isinstance(kind, str) and kind.startswith(ADDED):
        return Addition(to=_matched(document, "to", _NAME), event=_matched(document, "id", _ID), data=_data(document))
    return from_structured(document)


def _document(**attributes: Any) -> dict[str, Any]:
    data = attributes.pop("data")
    given = {name: value for name, value in attributes.items() if value}
    return {"specversion": "1.0", "source": _EDGE, **given, "datacontenttype": "application/json", "data": data}


def _message(document: Mapping[str, Any], type: str) -> Message:
    if not _NAME.fullmatch(type):
        raise Unreadable("type is malformed")
    return Message(
        id=_matched(document, "id", _ID),
        type=type,
        time=_time(document.get("time")),
        data=_data(document),
        subject=_matched(document, "subject", _ID) if "subject" in document else "",
        case=_matched(document, "correlationid", _ID) if "correlationid" in document else "",
    )


def _matched(document: Mapping[str, Any], name: str, form: re.Pattern[str]) -> str:
    value = document.get(name)
    if value is None:
        raise Unreadable(f"{name} is missing")
    if not (isinstance(value, str) and form.fullmatch(value)):
        raise Unreadable(f"{name} is malformed")
    return value


def _data(document: Mapping[str, Any]) -> dict[str, Any]:
    data = document.get("data")
    if not isinstance(data, dict):
        raise Unreadable("data is not a JSON object")
    return data


def _time(text: object) -> datetime:
    try:
        time = datetime.fromisoformat(text) if isinstance(text, str) else None
    except ValueError:
        time = None  # what was caught quotes the text, so it must not become the context of the error
    if time is None or time.tzinfo is None:
        raise Unreadable("time is not a time with its offset")
    return time.astimezone(UTC)


def _object(text: bytes) -> dict[str, Any]:
    try:
        document = orjson.loads(text)
    except orjson.JSONDecodeError:
        document = None  # the error holds the line
    if not isinstance(document, dict):
        raise Unreadable("not a JSON object")
    return document
