"""The only place that knows who she is: reads what reports said, from the sealed part of the journal."""

from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from services.intake.case import Kept
from services.intake.contact import disclosed
from shared.runtime.unit import Unit

#: Reports of one case that are shown at most, the latest.
SHOWN = 200
#: Reports that are looked through for telephone numbers at once.
MOST = 20_000


class Vault:
    """Opens sealed reports. Whoever asks here has checked purpose and basis, and written it down."""

    def __init__(self, unit: Unit) -> None:
        self._unit = unit

    def reports(self, case_id: str) -> list[dict[str, Any]]:
        """Return the reports of a case as they were sent, in their order."""
        receipts = self._unit.states.ids("report", {"state.answer.case_id": case_id}, SHOWN)
        return [private["report"] for _, private in self._opened(receipts)]

    def phones(self, case_ids: Sequence[str]) -> dict[str, str]:
        """Return by case the number that the latest report gives for the client, or for her as the reporter."""
        receipts = self._unit.states.ids("report", {"state.answer.case_id": {"$in": list(case_ids)}}, MOST)
        found = {}
        for _, private in self._opened(receipts):
            report = private["report"]
            reporter = report.get("reporter", {})
            number = report.get("client", {}).get("phone")
            if number is None and reporter.get("role") == "self":
                number = reporter.get("phone")
            if number is not None:
                found[private["answer"]["case_id"]] = str(number)
        return found

    def contacts(self, receipts: Sequence[str]) -> dict[str, dict[str, Any] | None]:
        """Return, by the receipt of each report, how the client wished to be told after it."""
        found = {}
        for receipt, private in self._opened(receipts):
            kept = msgspec.convert(private["kept"], Kept)
            found[receipt] = disclosed(kept.private.contact)
        return found

    def _opened(self, receipts: Sequence[str]) -> Iterator[tuple[str, dict[str, Any]]]:
        """Yield receipt and sealed part of each report, in the order of the journal; not those that were erased."""
        journal = self._unit.journal
        records = [
            (entry["cause"], record)
            for entry in journal.caused_by(receipts)
            for record in entry["events"]
            if record["type"] == "report.received"
        ]
        self._unit.load_keys([record["case"] for _, record in records])
        for receipt, record in records:
            if private := journal.private(record):
                yield receipt, private
