"""Intake: reports come in, cases and their risk go out; who she is stays here."""

from collections.abc import Iterator
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any
from uuid import uuid4

from services.intake import answers, schemas
from services.intake.case import Case
from services.intake.command import receive
from services.intake.consent import WITHDRAW
from services.intake.disclosure import DISCLOSE, IDENTIFY, OPEN_FILE
from services.intake.erasure import ERASE, gone
from services.intake.filing import CaseQuery, covers, shown
from services.intake.model import IntakeModel
from services.intake.vault import Vault
from shared.kernel import Message, NotFound
from shared.runtime.auth import Bearer, Role
from shared.runtime.form import load
from shared.runtime.http import Answer, Request, http
from shared.runtime.jsontext import parse
from shared.runtime.ndjson import each_line
from shared.runtime.problem import Fault, Forbidden, Invalid
from shared.runtime.refusal import REFUSALS
from shared.runtime.service import Service
from shared.runtime.ticket import Fate
from shared.runtime.work import UnitOfWork

REPORTERS = {Role.OPERATOR, Role.CASEWORKER, Role.SUPERVISOR, Role.ADMIN}
READERS = {Role.OPERATOR, Role.CASEWORKER, Role.SUPERVISOR, Role.AUDITOR}
#: Who may open a file: read what was reported and by whom. Each time is written down.
FILE_READERS = {Role.CASEWORKER, Role.SUPERVISOR}

_report_form = schemas.Report()
_query_form = schemas.CaseQuery()
_view_form = schemas.CaseView()
_contacts_form = schemas.Contacts()
_disclosures_form = schemas.Disclosures()
_withdrawal_form = schemas.Withdrawal()
_erasure_form = schemas.ErasureOrder()


class IntakeService(Service):
    """The nameko service."""

    name = "intake"
    work = UnitOfWork(
        lambda settings: IntakeModel(settings.rules),
        indexes={"report": ["state.answer.case_id"], "case": ["state.grade", "state.district"]},
    )

    @http(
        "POST",
        "/reports",
        roles=REPORTERS,
        takes=schemas.Report,
        answers=answers.Receipt,
        statuses=(HTTPStatus.CREATED,),
        refuses={HTTPStatus.CONFLICT: "The report key is known with other content. The first stands."},
    )
    def receive_report(self, request: Request) -> Answer:
        """Take one report; the same again is answered the same."""
        message = self._report(parse(request.body), request.bearer)
        return Answer(status=HTTPStatus.CREATED, content=self.work.do(message))

    @http("POST", "/reports/batch", roles=REPORTERS, lines=True, takes=schemas.Report, answers=answers.Receipt)
    def receive_reports(self, request: Request) -> Answer:
        """Take many reports, one JSON object a line, in their order; each line has its own answer."""
        return each_line(request, self._report, self.work)

    @http(
        "GET",
        "/cases/<case_id>",
        roles=READERS,
        query=schemas.CaseView,
        answers=answers.OpenedCase,
        refuses={HTTPStatus.GONE: REFUSALS[HTTPStatus.GONE][0]},
    )
    def show_case(self, request: Request, case_id: str) -> Answer:
        """Show a case; with `file=1` and a purpose also what was reported, which is written down.

        Only a caseworker or a supervisor may open the file.
        """
        view = load(_view_form, dict(request.query))
        case = self._case(case_id, request.bearer)
        if case.erased:
            raise gone()
        content = shown(case)
        if view.get("file") == "1":
            content["reports"] = self._opened_file(case_id, request.bearer, view.get("purpose"))
        return Answer(content=content)

    @http("GET", "/cases", roles=READERS, query=schemas.CaseQuery, answers=answers.Cases)
    def list_cases(self, request: Request) -> Answer:
        """List cases, newest first, page by page."""
        query = CaseQuery(**load(_query_form, dict(request.query)))
        found = self.work.unit.states.find("case", query.filter(request.bearer, self.work.blind), query.limit + 1)
        cases = [shown(case) for case in found[: query.limit]]
        return Answer(content={"cases": cases, "next": cases[-1]["id"] if len(found) > query.limit else None})

    @http("POST", "/contacts", roles={Role.SERVICE}, takes=schemas.Contacts, answers=answers.ContactList)
    def disclose_contacts(self, request: Request) -> Answer:
        """Tell notification how clients wished to be told after certain reports: channels and hours, no person."""
        receipts = load(_contacts_form, parse(request.body))["receipts"]
        contacts = self._vault.contacts(receipts)
        return Answer(content={"contacts": [contacts.get(receipt) for receipt in receipts]})

    @http("POST", "/disclosures", roles={Role.SERVICE}, takes=schemas.Disclosures, answers=answers.AddressList)
    def disclose(self, request: Request) -> Answer:
        """Tell where a client may be reached now, if her wishes of this moment allow it; each is written down."""
        wanted = load(_disclosures_form, parse(request.body))["items"]
        phones = self._vault.phones([item["case_id"] for item in wanted])
        reachable = [item for item in wanted if item["case_id"] in phones]
        tickets = self.work.do_all([_command(DISCLOSE, item) for item in reachable])
        failed = next((ticket.error for ticket in tickets if ticket.error and ticket.fate is Fate.FAILED), None)
        if failed is not None:
            raise failed  # "not now" would be taken for "not any more"
        granted = iter([bool(ticket.answer and ticket.answer["granted"]) for ticket in tickets])
        return Answer(content={"items": [_told(phones.get(item["case_id"]), granted) for item in wanted]})

    @http("POST", "/identities", roles={Role.SERVICE}, takes=schemas.IdentityRequests, answers=answers.Identities)
    def disclose_identities(self, request: Request) -> Answer:
        """Tell who the people in a case are, if purpose, basis and her consents of now allow it; each is written down.

        Feed asks for an agency, whose agreement it has checked.
        """
        wanted = schemas.identity_requests(parse(request.body))
        tickets = self.work.do_all([_command(IDENTIFY, item) for item in wanted])
        for ticket in tickets:
            if ticket.error:
                raise ticket.error  # nothing is told that is not written down
        why_not = [ticket.answer["why_not"] if ticket.answer else "case_unknown" for ticket in tickets]
        # Read after it was written down: who is erased in between is not told any more.
        allowed = [(item["case_id"], item["fields"]) for item, why in zip(wanted, why_not, strict=True) if why is None]
        told = iter(self._vault.identities(allowed))
        return Answer(content={"items": [_identity(why, told) for why in why_not]})

    @http(
        "POST",
        "/cases/<case_id>/consents/withdrawals",
        roles={Role.OPERATOR, Role.CASEWORKER, Role.SUPERVISOR},
        takes=schemas.Withdrawal,
        answers=answers.Consents,
        refuses={HTTPStatus.GONE: REFUSALS[HTTPStatus.GONE][0]},
    )
    def withdraw_consents(self, request: Request, case_id: str) -> Answer:
        """Take her consent to some agencies back: nothing more is told to them on it, and what was is recalled.

        What she did not agree to cannot be taken back and changes nothing. A later report with her consent gives it
        again.
        """
        agencies = load(_withdrawal_form, parse(request.body))["agencies"]
        self._case(case_id, request.bearer)
        asked = {"case_id": case_id, "agencies": agencies, "by": request.bearer.name}
        return Answer(content=self.work.do(_command(WITHDRAW, asked)))

    @http(
        "POST",
        "/cases/<case_id>/erasure",
        roles={Role.SUPERVISOR},
        takes=schemas.ErasureOrder,
        answers=answers.ErasedCase,
    )
    def erase_case(self, request: Request, case_id: str) -> Answer:
        """Destroy the key of a case, for good: what was kept of the people in it can never be read again.

        Numbers, codes and hashes stay in the journal. A later report about the same people opens a new case.
        """
        reason = load(_erasure_form, parse(request.body))["reason"]
        self._case(case_id, request.bearer)
        return Answer(content=self.work.do(_command(ERASE, {"case_id": case_id, "reason": reason})))

    @property
    def _vault(self) -> Vault:
        return Vault(self.work.unit)

    def _case(self, case_id: str, bearer: Bearer) -> Case:
        """Return a case of the bearer's district, as it is stored.

        Raises:
            NotFound: there is none.
        """
        case: Case | None = self.work.unit.states.find_one("case", case_id)
        if case is None or not covers(bearer, case, self.work.blind):
            raise NotFound("case-unknown", "there is no case with this id in your district", field="case_id")
        return case

    def _report(self, data: object, bearer: Bearer) -> Message:
        """Return the command that takes a report in.

        Raises:
            Invalid: names the fields that are wrong.
            Forbidden: the report lies outside the bearer's district.
        """
        report = load(_report_form, data)
        if not bearer.covers(report["district"]):
            raise Forbidden(f"your token is for district {bearer.district} only; the report names another")
        return receive(report, self.work.blind)

    def _opened_file(self, case_id: str, bearer: Bearer, purpose: str | None) -> list[dict[str, Any]]:
        if bearer.role not in FILE_READERS:
            raise Forbidden("your role sees the case, not the file")
        if purpose is None:
            raise Invalid([Fault("purpose", f"must be one of: {', '.join(schemas.FILE_PURPOSES)}")])
        asked = {"case_id": case_id, "purpose": purpose, "audience": bearer.role, "by": bearer.name}
        self.work.do(_command(OPEN_FILE, asked))
        return self._vault.reports(case_id)


def _told(phone: str | None, granted: Iterator[bool]) -> dict[str, str | None]:
    """Return what is answered for one disclosure: where to, or why not."""
    if phone is None:
        return {"to": None, "why_not": "no_address"}
    return {"to": phone, "why_not": None} if next(granted) else {"to": None, "why_not": "no_longer_safe"}


def _identity(why_not: str | None, told: Iterator[dict[str, Any] | None]) -> dict[str, Any]:
    """Return what is answered for one request for identity."""
    fields = next(told) if why_not is None else None
    return {"fields": fields, "why_not": why_not or ("erased" if fields is None else None)}


def _command(type: str, data: dict[str, Any]) -> Message:
    return Message(id=str(uuid4()), type=type, time=datetime.now(UTC), data=data, case=data["case_id"])
