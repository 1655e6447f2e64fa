"""What an agency must use no longer: consent withdrawn, referral taken back, person erased.

Of a withdrawn consent intake tells, and referral of what it takes back for it. Which of them feed hears first is
chance; what is closed, and why, is the same.
"""

from collections.abc import Iterator
from typing import Final

from services.feed import delivering
from services.feed.agency import Agency, Status
from services.feed.delivery import Copies, Delivery
from shared.kernel import Fact, Message, Shelf

_WITHDRAWN: Final = "consent_withdrawn"
_WHY: Final = {
    "consent.withdrawn": _WITHDRAWN,
    "referral.cancelled": "referral_cancelled",
    "case.erased": "erased",
}
#: Events after which something is recalled.
RECALLING: Final = frozenset(_WHY)


def recalled(shelf: Shelf, message: Message) -> Iterator[Fact]:
    """Yield a recall for each agency concerned, suspended ones too: they find it when they are back.

    Of an erased case also that its sealed copies are destroyed.
    """
    deliveries: list[Delivery] = shelf.find(f"case {message.case}")
    why = _why(message)
    for name in sorted({one.agency for one in deliveries}):
        agency: Agency | None = shelf.get("agency", name)
        if agency is None or agency.status is Status.REMOVED:
            continue
        mine = [one for one in deliveries if one.agency == name and not one.recalls]
        numbers = tuple(one.number for one in mine if _is_meant(one, agency, message))
        if numbers:
            yield delivering.recall(agency, message, numbers, why)
    copies: Copies | None = shelf.get("copies", message.case)
    if message.type == "case.erased" and not (copies and copies.erased):
        holders = sorted({one.agency for one in deliveries if one.seal == "done"})
        data = {"case_id": message.case, "agencies": holders}
        yield Fact(type="copy.destroyed", subject=message.case, case=message.case, time=message.time, data=data)


def _why(message: Message) -> str:
    """Return why something is recalled: also what is taken back for a withdrawn consent, for that."""
    return _WITHDRAWN if message.data.get("reason") == _WITHDRAWN else _WHY[message.type]


def _is_meant(delivery: Delivery, agency: Agency, message: Message) -> bool:
    if message.type == "case.erased":
        return delivery.closed != "erased"
    if delivery.closed:
        return False
    if message.type == "referral.cancelled":
        return delivery.referral_id == message.data["referral_id"] and bool(delivery.identity)
    # that it was taken back is to be known, whatever came first
    rests_on_it = delivery.basis == "consent" and delivery.type != "referral.cancelled"
    return rests_on_it and agency.kind in message.data["agencies"]
