"""Who is told what about a person, for which purpose, on which basis: checked now, and written down."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from services.intake.case import Case
from services.intake.facts import fact
from shared.kernel import Decision, Fact, Message

DISCLOSE: Final = "disclose"
OPEN_FILE: Final = "open_file"
IDENTIFY: Final = "identify"

#: Fields that a caseworker sees in an opened file.
FILE_FIELDS: Final = ("report", "reporter", "client", "accused")


def file_opened(message: Message, case: Case) -> Decision:
    """Yield that somebody reads the file."""
    yield replace(_written(message, case, "duty", FILE_FIELDS), private={"by": message.data["by"]})
    return {"granted": True}


def address_told(message: Message, case: Case) -> Decision:
    """Yield that notification learns where she may be reached, if she named the channel; answer {"granted": bool}."""
    contact = case.private.contact
    wishes = contact.in_force
    granted = wishes is not None and contact.doubted_at is None and message.data["channel"] in wishes.channels
    if granted:
        yield _written(message, case, "consent", ("phone",))
    return {"granted": granted}


def identity_told(message: Message, case: Case | None) -> Decision:
    """Yield that an agency learns who she is, if that is allowed now; answer {"why_not": None or a code}."""
    why_not = _why_not(case, message.data["audience"], message.data["basis"])
    if case is not None and why_not is None:
        yield _written(message, case, message.data["basis"], message.data["fields"])
    return {"why_not": why_not}


def _why_not(case: Case | None, audience: str, basis: str) -> str | None:
    if case is None:
        return "case_unknown"
    if case.erased:
        return "erased"
    return "no_consent" if basis == "consent" and audience not in case.consents else None


def _written(message: Message, case: Case, basis: str, fields: Sequence[str]) -> Fact:
    told = {
        "case_id": case.id,
        "audience": message.data["audience"],
        "purpose": message.data["purpose"],
        "basis": basis,
        "fields": list(fields),
    }
    return fact(message, "identity.disclosed", case.id, told)
