"""Everybody who is named in the journals, and the invented person who stands for each."""

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from typing import Any, NamedTuple

from deploy.city import INVENTED
from deploy.recording.command import RECEIVED, REGISTERED
from deploy.recording.entry import Entry
from deploy.recording.person import changed, report_table, strings, volunteer_table
from services.intake.persons import identified
from shared.events.vocabulary import DISTRICT_LEVELS
from shared.privacy import BlindIndex
from shared.privacy.blind import normal_id_number, normal_name, normal_phone
from shared.replay.birthday import Birthdays
from shared.replay.pseudonym import Pseudonyms
from shared.rules import china_day

#: What tokens are made of, in which normal form.
_NORMAL = {"name": normal_name, "phone": normal_phone, "id_number": normal_id_number}


class Met(NamedTuple):
    """A report that can be read: what its ids follow from."""

    cause: str
    time: datetime
    case: str
    id: str
    report_key: str


class People:
    """Meets everybody first, in the order of the journals, so that a later recording tells of them alike.

    Args:
        key: a secret of who records.
        blind: what makes tokens here; a recording has those of a city whose key everybody knows.
        journals: of intake and volunteer.
    """

    def __init__(self, key: bytes, blind: BlindIndex, journals: Iterable[Entry]) -> None:
        self._blind = blind
        self._birthdays = Birthdays(key)
        #: All reports, in their order.
        self.reports: list[Met] = []
        #: What stands for each token that is made here.
        self._tokens: dict[str, str] = {}
        reports, records = self._met(journals)
        self.invented = Pseudonyms(key, self._never(reports, records))
        self._volunteers = volunteer_table(self.invented)
        for report in reports:
            self._know(report)
        for record in records:
            self.volunteer(record)

    def report(self, case: str, report: Mapping[str, Any]) -> dict[str, Any]:
        """Return a report of a case, made by invented people about invented people."""
        return changed(report_table(self.invented, lambda born: self._birthdays.of(case, born)), report)

    def volunteer(self, record: Mapping[str, Any]) -> dict[str, Any]:
        """Return a volunteer's record as that of an invented one."""
        return changed(self._volunteers, record)

    def token(self, token: str) -> str:
        """Return the token of the invented person, or of the same place."""
        return self._tokens.get(token) or self.invented.token(token)

    def _met(self, journals: Iterable[Entry]) -> tuple[list[Mapping[str, Any]], list[Mapping[str, Any]]]:
        """Return all reports and records that can be read."""
        reports, records = [], []
        for entry in journals:
            if RECEIVED in entry.types and (private := entry.fact(RECEIVED).private):
                report, fact = private["report"], entry.fact(RECEIVED)
                reports.append(report)
                met = Met(entry.cause, fact.time, fact.case, fact.data["report"]["id"], report["report_key"])
                self.reports.append(met)
                self._compare(fact.case, report)
            elif REGISTERED in entry.types and (private := entry.facts[0].private):
                records.append(private["record"])
        return reports, records

    def _compare(self, case: str, report: Mapping[str, Any]) -> None:
        born, name = (report.get("client") or {}).get("birth_date"), identified(report).client.name
        day = china_day(datetime.fromisoformat(report["received_at"]))
        self._birthdays.add(case, [name] if name else [], date.fromisoformat(born) if born else None, day)

    @staticmethod
    def _never(reports: Iterable[Mapping[str, Any]], records: Iterable[Mapping[str, Any]]) -> set[str]:
        nobody = Pseudonyms(b"")
        tables = ((report_table(nobody, lambda born: born), reports), (volunteer_table(nobody), records))
        return {text.strip() for table, some in tables for one in some for text in strings(table, one)}

    def _know(self, report: Mapping[str, Any]) -> None:
        """Find out which tokens were made of a report, and which stand for them."""
        for part in ("reporter", "client", "accused"):
            person = report.get(part) or {}
            for field, kind in (("name", "name"), ("phone", "phone"), ("id_number", "id")):
                if text := _NORMAL[field](person.get(field) or ""):
                    stands = {"name": self.invented.name, "phone": self.invented.phone, "id": self.invented.id_number}
                    self._tokens[self._blind(kind, text)] = INVENTED(kind, stands[kind](text))
        district = report["district"]
        for digits in DISTRICT_LEVELS:
            place = district[:digits]
            self._tokens[self._blind("place", place)] = INVENTED("place", place)
