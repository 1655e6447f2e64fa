"""Who is asked first: the nearest, then the least busy, then who waits longest, then the id."""

from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache

from services.volunteer.volunteer import Volunteer
from shared.kernel import Shelf

#: Smaller is earlier: levels not shared, open cases, last assignment (none first), id.
Rank = tuple[int, int, float, str]


def nearness(places: tuple[tuple[str, ...], ...], place: tuple[str, ...]) -> int:
    """Return how many whole levels the nearest of some districts has in common with a place."""
    return max((_common(one, place) for one in places), default=0)


def rank(volunteer: Volunteer, near: int) -> Rank:
    """Return the place of a volunteer in the order of asking; `near` is her nearness to the case."""
    last = volunteer.last_assigned_at
    return -near, len(volunteer.cases), last.timestamp() if last else float("-inf"), volunteer.id


def filed_under(volunteer: Volunteer) -> Iterable[str]:
    """Return the index keys under which a volunteer with room is found: each skill at each level of her districts."""
    return _keys(volunteer.skills, volunteer.places) if volunteer.has_room else ()


def first(
    shelf: Shelf, skill: str, place: tuple[str, ...], extra: Iterable[Volunteer], fits: Callable[[Volunteer], bool]
) -> Volunteer | None:
    """Return the first in the order of asking who fits, or None.

    Found are volunteers with room, and those of `extra` (for whom the case is no further case).
    """
    best: tuple[Rank, Volunteer] | None = None
    for volunteer in extra:
        best = _better(best, volunteer, nearness(volunteer.places, place), fits)
    for near, candidates in _by_nearness(shelf, skill, place):
        for volunteer in candidates:
            best = _better(best, volunteer, near, fits)
        if best and best[0][0] <= -near:
            break
    return best[1] if best else None


def _better(
    best: tuple[Rank, Volunteer] | None, volunteer: Volunteer, near: int, fits: Callable[[Volunteer], bool]
) -> tuple[Rank, Volunteer] | None:
    # The rank is cheaper than to see whether she fits, so it is looked at first.
    ranked = rank(volunteer, near)
    if best and best[0] <= ranked:
        return best
    return (ranked, volunteer) if fits(volunteer) else best


def _by_nearness(shelf: Shelf, skill: str, place: tuple[str, ...]) -> Iterator[tuple[int, list[Volunteer]]]:
    """Yield the volunteers who share at least so many levels with a place, the nearest first."""
    for near in range(len(place), 0, -1):
        yield near, shelf.find(f"{skill} {place[near - 1]}")
    yield 0, shelf.find(skill)


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
