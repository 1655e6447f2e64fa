"""The facts that a report brings about, as they are published and kept."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import msgspec

from services.intake.case import Case, kept, snapshot
from services.intake.matching import Match
from services.intake.report import Report
from shared.events.vocabulary import GRADES
from shared.kernel import Fact, Message
from shared.rules import iso


def has_escalated(case: Case, before: Case | None) -> bool:
    """Return whether the grade rose; a new case counts from blue."""
    return GRADES.index(case.grade) > GRADES.index(_grade_of(before))


def answer(message: Message, report: Report, case: Case, before: Case | None) -> dict[str, Any]:
    """Return what the sender of a report is told."""
    return {
        "report_key": message.data["report_key"],
        "report_id": report.id,
        "case_id": case.id,
        "opens_case": before is None,
        "grade": case.grade,
        "reasons": list(case.reasons),
        "escalated": has_escalated(case, before),
    }


def report_received(
    message: Message, report: Report, case: Case, before: Case | None, answered: Mapping[str, Any]
) -> Fact:
    """Return the fact that stores a report: in public what it says of the case, sealed all of it."""
    public = {
        "report": {
            "id": report.id,
            "channel": report.channel,
            "received_at": iso(report.received_at),
            "reporter_role": report.role,
            "category": report.category,
            "risk_factors": list(report.factors),
            "wishes": list(report.wishes),
            "immediate_danger": report.immediate_danger,
            "consents": list(report.consents),
        },
        "case": snapshot(case),
        "opens_case": before is None,
        "escalated": answered["escalated"],
    }
    private = {
        "report": {**message.data["report"], "report_key": message.data["report_key"]},
        "receipt": message.id,
        "content_hash": message.data["content_hash"],
        "answer": answered,
        "kept": msgspec.to_builtins(kept(case)),
    }
    return fact(message, "report.received", case.id, public, private)


def case_created(message: Message, received: Fact) -> Fact:
    """Return the fact that a report opened a case."""
    return fact(message, "case.created", received.case, {"case": received.data["case"]})


def match_suggested(message: Message, case: Case, matches: Iterable[Match]) -> Fact:
    """Return the fact that a caseworker should look at other cases beside a new one."""
    listed = [
        {"case_id": match.case_id, "because": list(match.because), "other_side": match.other_side} for match in matches
    ]
    return fact(message, "case.match_suggested", case.id, {"case_id": case.id, "matches": listed})


def graded(message: Message, case: Case, before: Case | None) -> Iterator[Fact]:
    """Yield what changed in the grading of a case."""
    if before is None and case.grade == "blue" and not case.reasons:
        return
    if before is not None and (before.grade, before.reasons) == (case.grade, case.reasons):
        return
    grading = {
        "case_id": case.id,
        "district": case.district,
        "grade": case.grade,
        "previous": _grade_of(before),
        "reasons": list(case.reasons),
    }
    yield fact(message, "risk.assessed", case.id, grading)
    if has_escalated(case, before):
        yield fact(message, "risk.escalated", case.id, grading)


def other_side_found(message: Message, report: Report, case: Case, other_side: str) -> Fact:
    """Return the fact that a report on the case `other_side` changed how this one stands."""
    found = {"case": snapshot(case), "other_side": other_side, "report_id": report.id}
    return fact(message, "case.other_side_found", case.id, found)


def fact(
    message: Message, type: str, case_id: str, public: Mapping[str, Any], private: Mapping[str, Any] | None = None
) -> Fact:
    """Return a fact about a case, at the time of the message."""
    return Fact(type=type, subject=case_id, case=case_id, time=message.time, data=public, private=private or {})


def _grade_of(case: Case | None) -> str:
    return case.grade if case else GRADES[0]
