"""What the reports of one client add up to, and what has come of them so far."""

from datetime import date

from tests.acceptance.oracle.contact import Contact
from tests.acceptance.oracle.report import Person, Report, all_of


class Case:
    """A case. What follows from its reports is worked out anew each time; what was decided is kept."""

    def __init__(self, opening: Report) -> None:
        self.reports = [opening]
        #: Every line of the risk table that ever fired.
        self.reasons: set[str] = set()
        self.grade = "blue"
        self.is_child = False
        self.is_counter_report = False
        self.is_barred_from_mediation = False
        #: Agency and purpose.
        self.referred: set[tuple[str, str]] = set()
        self.consent_asked: set[tuple[str, str]] = set()
        #: Volunteer by skill; None where nobody was eligible.
        self.assigned: dict[str, str | None] = {}
        self.contact = Contact()

    @property
    def key(self) -> str:
        """The key of the report that opened it."""
        return self.reports[0].key

    @property
    def county(self) -> str:
        """The county of the report that opened it."""
        return self.reports[0].county

    @property
    def client(self) -> Person:
        return all_of(report.client for report in self.reports)

    @property
    def accused(self) -> Person:
        return all_of(report.accused for report in self.reports)

    @property
    def birth_dates(self) -> set[date]:
        """As given; more than one where reports contradict each other."""
        return {report.birth_date for report in self.reports if report.birth_date}

    @property
    def categories(self) -> set[str]:
        return {report.category for report in self.reports if report.category}

    @property
    def factors(self) -> set[str]:
        return {factor for report in self.reports for factor in report.factors}

    @property
    def wishes(self) -> set[str]:
        """Those of all reports, whoever said so."""
        return {wish for report in self.reports for wish in report.wishes}

    @property
    def consents(self) -> set[str]:
        """Agencies to which a report that counts says she agreed."""
        return {agency for report in self.reports for agency in report.consents}

    @property
    def channels(self) -> set[str]:
        return {report.channel for report in self.reports}

    @property
    def volunteers(self) -> set[str]:
        """All who help, with whatever skill."""
        return {volunteer for volunteer in self.assigned.values() if volunteer}
