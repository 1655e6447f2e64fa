"""Intake's pure core: a report comes in, a case comes out, judged and compared with all others."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar, Final, cast

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from services.intake import consent, disclosure, erasure, facts, matching, risk
from services.intake.case import Case, Kept, joined, restored, with_other_side
from services.intake.report import Report, read
from shared.events.vocabulary import COUNTY_DIGITS
from shared.kernel import Conflict, Decision, Fact, Message, Model, NotFound, Ref, Shelf, Wanted
from shared.rules import china_day


class Receipt(Struct, frozen=True, kw_only=True):
    """What was answered to a report key: the same again is answered the same."""

    content_hash: str
    #: Without the report key, in which somebody may have written a name or a phone.
    answer: Mapping[str, Any]


#: What is done about a case that is there and was not erased.
_ABOUT_A_CASE: Final[Mapping[str, Callable[[Message, Case], Decision]]] = {
    disclosure.DISCLOSE: disclosure.address_told,
    disclosure.OPEN_FILE: disclosure.file_opened,
    consent.WITHDRAW: consent.decided,
}
_BY_CASE_ID: Final = frozenset({*_ABOUT_A_CASE, disclosure.IDENTIFY, erasure.ERASE})


class IntakeModel(Model):
    """Command `receive_report` with the data {"report", "content_hash", "report_key", "tokens"}.

    The message id follows from the report key alone; the message time is the time of receipt.
    Commands about a case, each with its "case_id": `disclose` {"purpose", "audience", "channel"},
    `open_file` {"purpose", "audience", "by"}, `identify` {"audience", "purpose", "basis", "fields"},
    `withdraw_consent` {"agencies", "by"}, `erase` {"reason"}.
    """

    name: ClassVar[str] = "intake"
    kinds: ClassVar[Mapping[str, type]] = {"report": Receipt, "case": Case}
    searched: ClassVar[frozenset[str]] = frozenset({"case"})

    def __init__(self, rules: Path | None = None) -> None:
        self._rules = risk.load(rules)

    def keys(self, ref: Ref, state: Any) -> Iterable[str]:
        return matching.filed_under(state) if ref.kind == "case" else ()

    def wants(self, message: Message) -> Wanted:
        if message.type in _BY_CASE_ID:
            return Wanted(refs=frozenset({Ref("case", message.data["case_id"])}))
        return Wanted(refs=frozenset({Ref("report", message.id)}), keys=frozenset(_keys(message)))

    def decide(self, shelf: Shelf, message: Message) -> Decision:
        """Yield the facts of a new report; nothing for one that is known.

        Raises:
            Conflict: the report key is known with other content.
            NotFound: the command names a case that is not there.
            Gone: it names one that was erased.
        """
        if message.type in _BY_CASE_ID:
            return (yield from _about_a_case(message, shelf.get("case", message.data["case_id"])))
        receipt: Receipt | None = shelf.get("report", message.id)
        if receipt is None:
            return (yield from self._receive(shelf, message))
        if receipt.content_hash != message.data["content_hash"]:
            raise Conflict(
                "report-key-conflict",
                "A report with this key and other content is already there, and stands. Give the new one its own key.",
                field="report_key",
            )
        return {"report_key": message.data["report_key"], **receipt.answer}

    def evolve(self, shelf: Shelf, fact: Fact) -> None:
        if fact.type == "report.received":
            _take_in(shelf, fact)
        elif fact.type in _CHANGES:
            known = cast(Case, shelf.get("case", fact.subject))
            shelf.put(Ref("case", known.id), _CHANGES[fact.type](known, fact))

    def erases(self, fact: Fact) -> Iterable[str]:
        return (fact.case,) if fact.type == "case.erased" else ()

    def _receive(self, shelf: Shelf, message: Message) -> Decision:
        report = _report(message)
        cases = {case.id: case for key in _keys(message) for case in shelf.find(key)}
        before = matching.case_to_join(report, cases.values())
        case = joined(before, before.id if before else message.identifier("case"), report)
        cases.pop(case.id, None)
        case = risk.judged(_facing(case, report, cases.values()), self._rules, china_day(report.received_at))
        answer = facts.answer(message, report, case, before)
        # At once: what another case loses by this report is free before this one asks for it.
        for other in self._faced(case, report, cases.values()):
            yield facts.other_side_found(message, report, other, case.id)
        received = facts.report_received(message, report, case, before, answer)
        yield received
        if before is None:
            yield facts.case_created(message, received)
            if matches := matching.possible_matches(report, case, cases.values()):
                yield facts.match_suggested(message, case, matches)
        yield from facts.graded(message, case, before)
        return answer

    def _faced(self, case: Case, report: Report, others: Iterable[Case]) -> Iterator[Case]:
        """Yield, changed, the cases that a report makes an other side, in the order of their ids."""
        for other in sorted(others, key=lambda one: one.id):
            accused = matching.accuses(report, other)
            if accused or matching.stands_against(report, other):
                changed = with_other_side(other, case.id, counter_report=accused)
                if changed != other:
                    yield risk.barred(changed, self._rules)


def _about_a_case(message: Message, case: Case | None) -> Decision:
    if message.type == disclosure.IDENTIFY:
        return (yield from disclosure.identity_told(message, case))
    if case is None:
        raise NotFound("case-unknown", "there is no case with this id", field="case_id")
    if message.type == erasure.ERASE:
        return (yield from erasure.decided(message, case))
    if case.erased:
        raise erasure.gone()
    return (yield from _ABOUT_A_CASE[message.type](message, case))


def _take_in(shelf: Shelf, fact: Fact) -> None:
    """Put the case as it is after a report, and what was answered; of one whose key was destroyed, what was public."""
    private = fact.private
    case = restored(fact.data["case"], msgspec.convert(private.get("kept", {}), Kept))
    shelf.put(Ref("case", case.id), case)
    if private:
        answer = {name: value for name, value in private["answer"].items() if name != "report_key"}
        receipt = Receipt(content_hash=private["content_hash"], answer=answer)
        shelf.put(Ref("report", private["receipt"]), receipt)


def _seen_from_the_other_side(case: Case, fact: Fact) -> Case:
    seen = fact.data["case"]
    return replace(
        case,
        other_sides=tuple(seen["other_sides"]),
        counter_report=seen["counter_report"],
        mediation_bars=tuple(seen["mediation_bars"]),
    )


#: How a case that is there changes with a fact.
_CHANGES: Final[Mapping[str, Callable[[Case, Fact], Case]]] = {
    "case.other_side_found": _seen_from_the_other_side,
    "consent.withdrawn": consent.without,
    "case.erased": erasure.remains,
}


def _facing(case: Case, report: Report, others: Iterable[Case]) -> Case:
    """Return a case with all the other sides that a report of it shows."""
    for other in others:
        counter_report = matching.stands_against(report, other)
        if counter_report or matching.accuses(report, other):
            case = with_other_side(case, other.id, counter_report=counter_report)
    return case


def _report(message: Message) -> Report:
    return read(message.identifier("report"), message.sequence, message.data["report"], message.data["tokens"])


def _keys(message: Message) -> Iterator[str]:
    return matching.wanted_keys(message.data["report"]["district"][:COUNTY_DIGITS], message.data["tokens"])
