"""What services were told: from the journals of this system, or from a recording."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from heapq import merge
from pathlib import Path
from typing import Any, Final

import orjson

from deploy.problem import Problem
from deploy.recording.command import RECEIVED, REGISTERED, Commands
from deploy.recording.entry import Entry, entries
from deploy.recording.recorder import RECEIPT
from deploy.stores import Store, Stores
from shared.events import CATALOGUE, Event
from shared.replay.recording import BadRecording, Command, Line, read

_WITHDRAWN: Final = "consent.withdrawn"
#: What counts of each journal.
_TYPES: Final = {"intake": (RECEIVED, _WITHDRAWN), "volunteer": (REGISTERED,), "feed": (RECEIPT,)}
#: What decisions read of the people in a report, besides their tokens.
_READ: Final = {"reporter": ("role",), "client": ("birth_date",), "accused": ()}


def from_journals(stores: Stores) -> list[Line]:
    """Return what the services were told; no name and no narrative among it, only tokens.

    Reports of cases that were erased are not among them: nobody can read them any more.
    """
    commands = Commands()
    lines = (_line(entry, commands) for entry in _in_order(stores))
    return [line for line in lines if line is not None]


def from_recording(path: Path) -> list[Line]:
    """Return what a recording holds.

    Raises:
        Problem: it is none, or nobody told intake anything in it.
    """
    try:
        lines = [one.line for one in read(path)]
    except OSError as error:
        raise Problem(f"{path} cannot be read ({error.strerror})", "name a recording", exit_code=2) from None
    except BadRecording as error:
        raise Problem(str(error), "make it with `niangjia record`", exit_code=2) from None
    if not any(isinstance(line, Command) and line.to == "intake" for line in lines):
        raise Problem(
            f"{path} does not hold what intake was told",
            "record it with `--service intake --service volunteer --service referral`",
            exit_code=2,
        )
    return lines


def _in_order(stores: Stores) -> Iterator[Entry]:
    journals = [_dated(place, stores[name], types) for place, (name, types) in enumerate(_TYPES.items())]
    return (entry for _, _, _, entry in merge(*journals, key=lambda row: row[:3]))


def _dated(place: int, store: Store, types: tuple[str, ...]) -> Iterator[tuple[datetime, int, int, Entry]]:
    latest: datetime | None = None
    for entry in entries(store, types):
        latest = max(latest or entry.at, entry.at)  # a clock that was set back changes no order
        yield latest, place, entry.number, entry


def _line(entry: Entry, commands: Commands) -> Line | None:
    if entry.service == "feed":
        return _receipt(entry)
    if entry.types & {RECEIVED, REGISTERED} and not any(fact.private for fact in entry.facts):
        return None  # erased
    if _WITHDRAWN in entry.types and not entry.facts[0].private:
        return None
    command = commands.of(entry)
    if command is None or command.message.type != "receive_report":
        return command
    data = {**command.message.data, "report_key": "", "report": _read_of(command.message.data["report"])}
    return replace(command, message=replace(command.message, data=data))


def _read_of(report: Mapping[str, Any]) -> dict[str, Any]:
    """Return what decisions read of a report."""
    known = {name: {field: (report.get(name) or {}).get(field) for field in fields} for name, fields in _READ.items()}
    return {**report, **known, "narrative": ""}


def _receipt(entry: Entry) -> Event:
    fact = entry.fact(RECEIPT)
    return Event(
        id=entry.ids[0],
        source=entry.service,
        type=fact.type,
        version=CATALOGUE.event_type(fact.type).version,
        time=fact.time,
        subject=fact.subject,
        sequence=entry.number,
        correlation=fact.case,
        causation=entry.cause,
        body=orjson.dumps(fact.data),
    )
