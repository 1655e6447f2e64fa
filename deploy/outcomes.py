"""What came of all reports, read from the journals of the services."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import orjson

from deploy.outcome import Effect, row
from deploy.stores import Stores, chunks
from shared.runtime.database import Document

_INTAKE = "intake"
_RECEIVED = "report.received"


class Outcomes:
    """The rows of all reports that intake has stored, in order of receipt, then of arrival."""

    def __init__(self, stores: Stores) -> None:
        self._intake = stores[_INTAKE]
        self._others = [store for name, store in stores.items() if name != _INTAKE]
        #: Number of the entry that opened each case.
        self._opened_at: dict[str, int] = {}
        #: Report key that opened each case, as far as it was asked for.
        self._keys: dict[str, str | None] = {}

    def __iter__(self) -> Iterator[dict[str, Any]]:
        for numbers in chunks(self._in_order()):
            yield from self._rows(numbers)

    def _in_order(self) -> Sequence[int]:
        """Return the numbers of the reports' entries, and remember which of them opened a case."""
        fields = {"events.type": 1, "events.time": 1, "events.case": 1}
        found = []
        for entry in self._intake.journal.entries.find({"events.type": _RECEIVED}, fields).sort("_id", 1):
            received = _received(entry)
            found.append((received["time"], entry["_id"]))
            if any(record["type"] == "case.created" for record in entry["events"]):
                self._opened_at[received["case"]] = entry["_id"]
        return [number for _, number in sorted(found)]

    def _rows(self, numbers: Sequence[int]) -> Iterator[dict[str, Any]]:
        entries = self._intake.entries(numbers)
        effects = {number: list(_effects(entry)) for number, entry in entries.items()}
        received = {_received(entry)["id"]: number for number, entry in entries.items()}
        for store in self._others:
            for entry in store.journal.caused_by(list(received)):
                effects[received[entry["cause"]]].extend(_effects(entry))
        report_keys = self._report_keys(entries.values())
        self._find_keys({case for number in numbers for case in _cases(effects[number])})
        for number in numbers:
            yield row(report_keys[number], effects[number], self._keys.__getitem__)

    def _find_keys(self, cases: Iterable[str]) -> None:
        """Fetch the report keys that opened these cases, where they are not known yet."""
        missing = {self._opened_at[case]: case for case in cases if case not in self._keys}
        if missing:
            found = self._report_keys(self._intake.entries(list(missing)).values())
            self._keys |= {case: found[number] for number, case in missing.items()}

    def _report_keys(self, entries: Iterable[Document]) -> dict[int, str | None]:
        """Return the report keys of reports, by their numbers; they are sealed with the keys of their cases."""
        entries = list(entries)
        self._intake.keys.load({_received(entry)["case"] for entry in entries})
        private = {entry["_id"]: self._intake.journal.private(_received(entry)) for entry in entries}
        return {number: found["report"]["report_key"] if found else None for number, found in private.items()}


def _received(entry: Document) -> Document:
    """Return what an entry records of its report; what that says of other cases may stand before it."""
    record: Document = next(record for record in entry["events"] if record["type"] == _RECEIVED)
    return record


def _effects(entry: Document) -> Iterator[Effect]:
    for record in entry["events"]:
        yield Effect(type=record["type"], case=record["case"], data=orjson.loads(record["data"]))


def _cases(effects: Iterable[Effect]) -> Iterator[str]:
    """Return the cases that the row of a report names."""
    for effect in effects:
        if effect.type == _RECEIVED:
            yield effect.case
        elif effect.type == "case.match_suggested":
            yield from (match["case_id"] for match in effect.data["matches"])
