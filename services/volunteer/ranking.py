"""Who is asked first: the nearest, then the least busy, then who waits longest, then the id."""

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from heapq import heapify, heappop
from typing import Final

from services.volunteer.volunteer import Volunteer
from shared.kernel import Shelf

_NEVER: Final = datetime.min.replace(tzinfo=UTC)


def nearness(places: tuple[tuple[str, ...], ...], place: tuple[str, ...]) -> int:
    """Return how many whole levels the nearest of some districts has in common with a place."""
    return max((_common(one, place) for one in places), default=0)


def filed_under(volunteer: Volunteer) -> Iterable[str]:
    """Return the index keys under which a volunteer with room is found: each skill at each level of her districts."""
    return _keys(volunteer.skills, volunteer.places) if volunteer.has_room else ()


def first(
    shelf: Shelf, skill: str, place: tuple[str, ...], members: Sequence[Volunteer], fits: Callable[[Volunteer], bool]
) -> Volunteer | None:
    """Return the first in the order of asking who fits, or None.

    Looked at are the volunteers with room, and the `members` of the case, for whom it is no further case.
    """
    helping = {one.id for one in members}
    for near in range(len(place), -1, -1):
        found = shelf.each(f"{skill} {place[near - 1]}" if near else skill)
        candidates = [one for one in found if one.id not in helping] if helping else list(found)
        candidates += [one for one in members if nearness(one.places, place) == near]
        if chosen := _first_who_fits(candidates, fits):
            return chosen
    return None


def _first_who_fits(candidates: list[Volunteer], fits: Callable[[Volunteer], bool]) -> Volunteer | None:
    """Return who fits with the fewest open cases, then the longest wait since her last assignment, then by id."""
    # Nearly always the very first fits, so the others are not put in order.
    waiting = [(len(one.cases), one.last_assigned_at or _NEVER, one.id, one) for one in candidates]
    heapify(waiting)
    while waiting:
        volunteer = heappop(waiting)[3]
        if fits(volunteer):
            return volunteer
    return None


def _common(some: tuple[str, ...], others: tuple[str, ...]) -> int:
    # A level is written with all the levels above it, so the first difference ends it.
    return next(
        (index for index, (one, other) in enumerate(zip(some, others, strict=False)) if one != other),
        min(len(some), len(others)),
    )


@lru_cache(maxsize=10_000)
def _keys(skills: tuple[str, ...], places: tuple[tuple[str, ...], ...]) -> frozenset[str]:
    levels = {level for place in places for level in place}
    return frozenset(skills) | {f"{skill} {level}" for skill in skills for level in levels}
