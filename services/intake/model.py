"""Intake's pure core: a report comes in, a case comes out, judged and compared with all others."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar, cast

import msgspec

from services.intake import disclosure, facts, matching, risk
from services.intake.case import Case, Kept, joined, restored, with_other_side
from services.intake.report import Report, read
from shared.events.vocabulary import COUNTY_DIGITS
from shared.kernel import Conflict, Decision, Fact, Message, Model, Ref, Shelf, Wanted
from shared.rules import china_day


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """What was answered to a report key: the same again is answered the same."""

    content_hash: str
    #: Without the report key, in which somebody may have written a name or a phone.
    answer: Mapping[str, Any]


class IntakeModel(Model):
    """Command `receive_report` with the data {"report", "content_hash", "report_key", "tokens"}.

    The message id follows from the report key alone; the message time is the time of receipt.
    Commands `disclose` {"case_id", "purpose", "audience", "channel"},
    `open_file` {"case_id", "purpose", "audience", "by"}.
    """

    name: ClassVar[str] = "intake"
    kinds: ClassVar[Mapping[str, type]] = {"report": Receipt, "case": Case}
    searched: ClassVar[frozenset[str]] = frozenset({"case"})

    def __init__(self, rules: Path | None = None) -> None:
        self._rules = risk.load(rules)

    def keys(self, ref: Ref, state: Any) -> Iterable[str]:
        return matching.filed_under(state) if ref.kind == "case" else ()

    def wants(self, message: Message) -> Wanted:
        if message.type in disclosure.COMMANDS:
            return Wanted(refs=frozenset({Ref("case", message.data["case_id"])}))
        return Wanted(refs=frozenset({Ref("report", message.id)}), keys=frozenset(_keys(message)))

    def decide(self, shelf: Shelf, message: Message) -> Decision:
        """Yield the facts of a new report; nothing for one that is known.

        Raises:
            Conflict: the report key is known with other content.
            NotFound: something is to be disclosed about a case that is not there.
        """
        if message.type in disclosure.COMMANDS:
            return (yield from disclosure.decided(message, shelf.get("case", message.data["case_id"])))
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
            private = fact.private
            case = restored(fact.data["case"], msgspec.convert(private["kept"], Kept))
            shelf.put(Ref("case", case.id), case)
            answer = {name: value for name, value in private["answer"].items() if name != "report_key"}
            receipt = Receipt(content_hash=private["content_hash"], answer=answer)
            shelf.put(Ref("report", private["receipt"]), receipt)
        elif fact.type == "case.other_side_found":
            known = cast(Case, shelf.get("case", fact.subject))
            seen = fact.data["case"]
            shelf.put(
                Ref("case", known.id),
                replace(
                    known,
                    other_sides=tuple(seen["other_sides"]),
                    counter_report=seen["counter_report"],
                    mediation_bars=tuple(seen["mediation_bars"]),
                ),
            )

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
