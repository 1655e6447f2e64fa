"""Deliveries that may go out: in the order of their numbers, without a gap, with their sealed identity."""

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct

from services.feed.delivery import Copies, Delivery, delivery_id
from shared.runtime.states import States


class Ready(Struct, frozen=True, kw_only=True):
    """One delivery, as complete as it will be."""

    delivery: Delivery
    #: Identity, sealed to the agency's key; empty where none travels.
    sealed: str


def ready(states: States, numbers: Mapping[str, int], most: int) -> list[Ready]:
    """Return, for each agency, what follows a number: up to what is still to be sealed, and `most` at most.

    Raises:
        PyMongoError: the database is away.
    """
    # an agency's numbers have no gap, so a range of them bounds what is read for each
    spans: list[dict[str, Any]] = [
        {"_id": {"$gt": delivery_id(agency, number), "$lte": delivery_id(agency, number + most)}}
        for agency, number in numbers.items()
    ]
    if not spans:
        return []
    query = spans[0] if len(spans) == 1 else {"$or": spans}
    found: list[Delivery] = states.find("delivery", query, most * len(spans), oldest_first=True)
    deliveries = _unbroken(found, numbers)
    copies = _copies(states, deliveries)
    return [Ready(delivery=one, sealed=copies.get(one.id, "")) for one in deliveries]


def _unbroken(deliveries: Sequence[Delivery], numbers: Mapping[str, int]) -> list[Delivery]:
    """Return what follows directly, and is not waiting to be sealed."""
    at = dict(numbers)
    unbroken = []
    for one in deliveries:
        if one.number == at[one.agency] + 1 and one.seal != "wanted":
            at[one.agency] = one.number
            unbroken.append(one)
    return unbroken


def _copies(states: States, deliveries: Sequence[Delivery]) -> dict[str, str]:
    """Return the sealed identities by delivery; none of what was recalled or erased."""
    cases = {one.case_id for one in deliveries if one.seal == "done" and not one.closed}
    if not cases:
        return {}
    wanted = {one.id for one in deliveries if not one.closed}
    found: list[Copies] = states.find("copies", {"_id": {"$in": sorted(cases)}}, len(cases))
    return {name: jwe for copies in found for name, jwe in copies.private.items() if name in wanted}
