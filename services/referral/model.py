"""Referral's pure core: every report runs the table again, on the whole case."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, ClassVar, Final

from msgspec.structs import replace

from services.referral import rule
from services.referral.deadline import deadline
from services.referral.docket import (
    CONSENT_WITHDRAWN,
    MEDIATION,
    MEDIATION_BARRED,
    Docket,
    Receipt,
    Referral,
    Register,
    Status,
    register_id,
    register_of,
)
from services.referral.rule import Line
from shared.kernel import Decision, Fact, Message, Model, Ref, Shelf, Wanted
from shared.rules import Subject, iso

#: After these the table runs again on the case.
_ON_THE_CASE: Final = frozenset({"report.received", "case.other_side_found"})
#: These change referrals that were made.
_ON_THE_DOCKET: Final = frozenset({"consent.withdrawn", "receipt.recorded"})


class ReferralModel(Model):
    """Events `report.received`, `case.other_side_found`, `consent.withdrawn` of intake, `receipt.recorded` of feed."""

    name: ClassVar[str] = "referral"
    kinds: ClassVar[Mapping[str, type]] = {"docket": Docket, "register": Register}

    def __init__(self, rules: Path | None = None) -> None:
        self._lines = rule.load(rules)

    def keys(self, ref: Ref, state: Any) -> Iterable[str]:
        return [f"referral {one.id}" for one in state.referrals] if ref.kind == "docket" else ()

    def wants(self, message: Message) -> Wanted:
        if message.type in _ON_THE_DOCKET and message.data["case_id"]:
            return Wanted(refs=frozenset({Ref("docket", message.data["case_id"])}))
        if message.type not in _ON_THE_CASE:
            return Wanted()
        case = message.data["case"]
        register = Ref("register", register_id(case["district"], message.time))
        return Wanted(refs=frozenset({Ref("docket", case["id"]), register}))

    def decide(self, shelf: Shelf, message: Message) -> Decision:
        """Yield what follows from a report: refusals and cancellations first, then the table in its order.

        From a withdrawal the end of what rests on it; from a receipt that it was the first of its kind.
        """
        if message.type in _ON_THE_CASE:
            docket = _docket(shelf, message.data["case"]["id"])
            yield from _without_mediation(docket, message)
            yield from self._by_the_table(shelf, docket, message)
        elif message.type == "consent.withdrawn":
            docket = _docket(shelf, message.data["case_id"])
            for referral in docket.open_by_consent(message.data["agencies"]):
                yield _cancelled(message, docket, referral, CONSENT_WITHDRAWN)
        elif message.type == "receipt.recorded" and message.data["case_id"]:
            yield from _receipted(message, _docket(shelf, message.data["case_id"]))
        return None

    def evolve(self, shelf: Shelf, fact: Fact) -> None:
        docket = _evolved(_docket(shelf, fact.case), fact)
        shelf.put(Ref("docket", docket.id), docket)
        if fact.type == "referral.requested":
            register = register_of(fact.data["number"])
            shelf.put(Ref("register", register.id), register)

    def _by_the_table(self, shelf: Shelf, docket: Docket, message: Message) -> Iterator[Fact]:
        snapshot = message.data["case"]
        case = Subject.of(snapshot)
        for line in self._lines:
            if docket.has(line.agency, line.purpose) or not line.when(case):
                continue
            if line.basis_for(case) != "consent" or line.agency in case.consents:
                county = register_id(snapshot["district"], message.time)
                register: Register = shelf.get("register", county) or Register(id=county)
                yield _requested(message, line, case, register.next_number)
            elif (line.agency, line.purpose) not in docket.asked:
                asked = {"case_id": docket.id, "agency": line.agency, "purpose": line.purpose}
                yield _fact(message, "consent.needed", docket.id, {**asked, "district": snapshot["district"]})


def _without_mediation(docket: Docket, message: Message) -> Iterator[Fact]:
    """Yield the refusal of a wish for mediation, and the end of a mediation asked for, where it is barred."""
    case = message.data["case"]
    if not case["mediation_barred"]:
        return
    wished_now = MEDIATION in message.data.get("report", {}).get("wishes", ())
    wished_before = MEDIATION in case["wishes"] and not docket.mediation_refused
    if wished_now or wished_before:
        refused = {"case_id": docket.id, "reasons": list(case["mediation_bars"]), "district": case["district"]}
        yield _fact(message, "mediation.refused", docket.id, refused)
    for referral in docket.open_for(MEDIATION):
        yield _cancelled(message, docket, referral, MEDIATION_BARRED)


def _cancelled(message: Message, docket: Docket, referral: Referral, reason: str) -> Fact:
    cancelled = {
        "referral_id": referral.id,
        "case_id": docket.id,
        "agency": referral.agency,
        "purpose": referral.purpose,
        "reason": reason,
    }
    return _fact(message, "referral.cancelled", docket.id, cancelled, subject=referral.id)


def _receipted(message: Message, docket: Docket) -> Iterator[Fact]:
    """Yield that an agency said something of a referral for the first time; nothing for a referral of nobody here."""
    said = message.data
    referral = docket.find(said["referral_id"])
    if referral is None or referral.agency != said["agency"] or referral.has_receipt(said["receipt"]):
        return
    receipted = {
        "referral_id": referral.id,
        "case_id": docket.id,
        "agency": referral.agency,
        "by": said["name"],
        "receipt": said["receipt"],
        "at": said["at"],
    }
    yield _fact(message, "referral.receipted", docket.id, receipted, subject=referral.id)


def _requested(message: Message, line: Line, case: Subject, number: str) -> Fact:
    acknowledge = deadline(message.time, line.acknowledge)
    finish = deadline(message.time, line.finish_for(case))
    snapshot = message.data["case"]
    requested = {
        "referral_id": message.identifier("referral", line.agency, line.purpose),
        "number": number,
        "case_id": snapshot["id"],
        "agency": line.agency,
        "purpose": line.purpose,
        "basis": line.basis_for(case),
        "rule": line.code,
        "district": snapshot["district"],
        "grade": case.grade,
        "requested_at": iso(message.time),
        "acknowledge_by": iso(acknowledge.at),
        "finish_by": iso(finish.at),
        "calendar_assumed": acknowledge.assumed or finish.assumed,
        "green_channel": line.is_green(case),
    }
    return _fact(message, "referral.requested", snapshot["id"], requested, subject=requested["referral_id"])


def _fact(message: Message, type: str, case_id: str, data: Mapping[str, Any], *, subject: str = "") -> Fact:
    return Fact(type=type, subject=subject or case_id, case=case_id, time=message.time, data=data)


def _docket(shelf: Shelf, case_id: str) -> Docket:
    return shelf.get("docket", case_id) or Docket(id=case_id)


def _evolved(docket: Docket, fact: Fact) -> Docket:
    data = fact.data
    if fact.type == "referral.requested":
        return docket.with_referral(_referral(data))
    if fact.type == "referral.cancelled":
        return _without(docket, data)
    if fact.type == "referral.receipted":
        receipt = Receipt(receipt=data["receipt"], by=data["by"], at=datetime.fromisoformat(data["at"]))
        return docket.with_receipt(data["referral_id"], receipt)
    if fact.type == "consent.needed":
        return docket.with_asked(data["agency"], data["purpose"])
    return replace(docket, mediation_refused=True)


def _without(docket: Docket, cancelled: Mapping[str, Any]) -> Docket:
    docket = docket.without(cancelled["referral_id"], cancelled["reason"])
    if cancelled["reason"] == CONSENT_WITHDRAWN:
        # She has answered; nobody is told to ask her again.
        docket = docket.with_asked(cancelled["agency"], cancelled["purpose"])
    return docket


def _referral(data: Mapping[str, Any]) -> Referral:
    return Referral(
        id=data["referral_id"],
        number=data["number"],
        agency=data["agency"],
        purpose=data["purpose"],
        basis=data["basis"],
        status=Status.REQUESTED,
        requested_at=datetime.fromisoformat(data["requested_at"]),
        acknowledge_by=datetime.fromisoformat(data["acknowledge_by"]),
        finish_by=datetime.fromisoformat(data["finish_by"]),
    )
