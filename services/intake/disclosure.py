"""Who is told what about a person, for which purpose, on which basis: checked now, and written down."""

from dataclasses import replace
from typing import Final

from services.intake.case import Case
from services.intake.facts import fact
from shared.kernel import Decision, Fact, Message, NotFound

DISCLOSE: Final = "disclose"
OPEN_FILE: Final = "open_file"
COMMANDS: Final = frozenset({DISCLOSE, OPEN_FILE})

#: Fields that a caseworker sees in an opened file.
FILE_FIELDS: Final = ("report", "reporter", "client", "accused")


def decided(message: Message, case: Case | None) -> Decision:
    """Yield the disclosure if it is allowed; answer {"granted": bool}.

    Raises:
        NotFound: there is no such case.
    """
    if case is None:
        raise NotFound("case-unknown", "there is no case with this id", field="case_id")
    if message.type == OPEN_FILE:
        yield replace(_written(message, case, "duty", FILE_FIELDS), private={"by": message.data["by"]})
        return {"granted": True}
    contact = case.private.contact
    wishes = contact.in_force
    granted = wishes is not None and contact.doubted_at is None and message.data["channel"] in wishes.channels
    if granted:
        yield _written(message, case, "consent", ("phone",))
    return {"granted": granted}


def _written(message: Message, case: Case, basis: str, fields: tuple[str, ...]) -> Fact:
    told = {
        "case_id": case.id,
        "audience": message.data["audience"],
        "purpose": message.data["purpose"],
        "basis": basis,
        "fields": list(fields),
    }
    return fact(message, "identity.disclosed", case.id, told)
