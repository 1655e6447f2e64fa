"""A person has a right to be forgotten: what is left of a case is that there was one."""

from typing import Final

from services.intake.case import Case, Erasure
from services.intake.facts import fact
from shared.kernel import Decision, Fact, Gone, Message
from shared.rules import iso

ERASE: Final = "erase"


def decided(message: Message, case: Case) -> Decision:
    """Yield the erasure, once; answer when it was done."""
    done = case.erased
    if done is None:
        done = Erasure(at=message.time, reason=message.data["reason"])
        public = {"case_id": case.id, "district": case.district, "reason": done.reason}
        yield fact(message, "case.erased", case.id, public)
    return {"case_id": case.id, "erased_at": iso(done.at), "reason": done.reason}


def remains(case: Case, erased: Fact) -> Case:
    """Return what is left of a case: no token by which it could be found, no code, no relation, only public data."""
    return Case(
        id=case.id,
        district=case.district,
        place=(),
        opened_at=case.opened_at,
        opened_by=0,
        erased=Erasure(at=erased.time, reason=erased.data["reason"]),
    )


def gone() -> Gone:
    """Return the refusal of whatever is asked about an erased case."""
    return Gone("case-erased", "this case was erased; nobody can read any more what was kept of it", field="case_id")
