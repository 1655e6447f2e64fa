"""The only place that knows who she is: reads what reports said, from the sealed part of the journal."""

from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from services.intake.case import Kept
from services.intake.contact import disclosed
from shared.runtime.unit import Unit

#: Reports of one case that are shown at most, the latest.
SHOWN = 200


class Vault:
    """Opens sealed reports. Whoever asks here has checked purpose and basis, and written it down."""

    def __init__(self, unit: Unit) -> None:
        self._unit = unit

    def reports(self, case_id: str) -> list[dict[str, Any]]:
        """Return the reports of a case as they were sent, in their order."""
        receipts = self._unit.states.ids("report", {"state.answer.case_id": case_id}, SHOWN)
        return [private["report"] for private in self._opened(receipts)]

    def phone(self, case_id: str) -> str | None:
        """Return the number that the latest report gives for the client, or for her as the reporter."""
        for report in reversed(self.reports(case_id)):
            reporter = report.get("reporter", {})
            number = report.get("client", {}).get("phone")
            if number is None and reporter.get("role") == "self":
                number = reporter.get("phone")
            if number is not None:
                return str(number)
        return None

    def contacts(self, sequences: Sequence[int]) -> dict[int, dict[str, Any] | None]:
        """Return, by the number of each `report.received`, how the client wished to be told after it."""
        journal = self._unit.journal
        entries = journal.at(sequences)
        self._unit.load_keys([entry["events"][0]["case"] for entry in entries.values()])
        found = {}
        for sequence, entry in entries.items():
            private = journal.private(entry["events"][0])
            kept = msgspec.convert(private["kept"], Kept) if private else None
            found[sequence] = disclosed(kept.private.contact) if kept else None
        return found

    def _opened(self, receipts: list[str]) -> Iterator[dict[str, Any]]:
        journal = self._unit.journal
        for entry in journal.caused_by(receipts):
            private = journal.private(entry["events"][0])
            if private:
                yield private
