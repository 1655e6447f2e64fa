"""The only place that knows who she is: reads what reports said, from the sealed part of the journal."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec

from services.intake.case import Kept
from services.intake.contact import Contact, disclosed
from services.intake.identity import People
from services.intake.persons import phone_of_client
from shared.runtime.unit import Unit

#: Reports of one case that are shown at most, the latest.
SHOWN = 200
#: Reports that are looked through at once.
MOST = 20_000


class Vault:
    """Opens sealed reports. Whoever asks here has checked purpose and basis, and written it down."""

    def __init__(self, unit: Unit) -> None:
        self._unit = unit

    def reports(self, case_id: str) -> list[dict[str, Any]]:
        """Return the latest reports of a case as they were sent, in their order."""
        receipts = self._receipts([case_id])
        return [private["report"] for _, private in self._opened(receipts, latest=SHOWN)]

    def phones(self, case_ids: Sequence[str]) -> dict[str, str]:
        """Return by case the number at which the client may be reached (`phone_of_client`)."""
        found = {case_id: _phone(reports) for case_id, reports in self._by_case(case_ids).items()}
        return {case_id: phone for case_id, phone in found.items() if phone}

    def identities(self, wanted: Sequence[tuple[str, Sequence[str]]]) -> list[dict[str, Any] | None]:
        """Return, for each case with the fields that are wanted of it, what is known; None where it was erased."""
        by_case = self._by_case([case_id for case_id, _ in wanted])
        return [
            People(reports=[one["report"] for one in said], contact=_contact(said)).told(fields)
            if (said := by_case.get(case_id))
            else None
            for case_id, fields in wanted
        ]

    def contacts(self, receipts: Sequence[str]) -> dict[str, dict[str, Any] | None]:
        """Return, by the receipt of each report, how the client wished to be told after it."""
        found = {}
        for receipt, private in self._opened(receipts):
            kept = msgspec.convert(private["kept"], Kept)
            found[receipt] = disclosed(kept.private.contact)
        return found

    def _by_case(self, case_ids: Sequence[str]) -> dict[str, list[dict[str, Any]]]:
        """Return the sealed parts of all reports of some cases, in their order, by the case."""
        found: dict[str, list[dict[str, Any]]] = {}
        for _, private in self._opened(self._receipts(sorted(set(case_ids)))):
            found.setdefault(private["answer"]["case_id"], []).append(private)
        return found

    def _receipts(self, case_ids: Sequence[str]) -> list[str]:
        return self._unit.states.ids("report", {"state.answer.case_id": {"$in": list(case_ids)}}, MOST)

    def _opened(self, receipts: Sequence[str], latest: int = 0) -> Iterator[tuple[str, dict[str, Any]]]:
        """Yield receipt and sealed part of each report, in the order of the journal; not those that were erased.

        Args:
            latest: how many of the last ones; 0 for all.
        """
        journal = self._unit.journal
        records = [
            (entry["cause"], record)
            for entry in journal.caused_by(receipts)
            for record in entry["events"]
            if record["type"] == "report.received"
        ][-latest:]
        self._unit.load_keys([record["case"] for _, record in records])
        for receipt, record in records:
            if private := journal.private(record):
                yield receipt, private


def _phone(told: Sequence[Mapping[str, Any]]) -> str | None:
    """Return the number of a client from the sealed parts of her case's reports, in their order."""
    wishes = _contact(told).in_force
    return phone_of_client([private["report"] for private in told], wishes.received_at if wishes else None)


def _contact(told: Sequence[Mapping[str, Any]]) -> Contact:
    """Return how a client may be told, after the last of her case's reports."""
    return msgspec.convert(told[-1]["kept"], Kept).private.contact
