"""How cases are shown and found: the facts of a case, without any person."""

from dataclasses import dataclass
from typing import Any

from services.intake.case import Case, snapshot
from shared.events.vocabulary import COUNTY_DIGITS
from shared.privacy import BlindIndex
from shared.runtime.auth import Bearer

_HIDDEN = ("place", "client", "accused", "shared_phones")


def shown(case: Case) -> dict[str, Any]:
    """Return a case as staff see it who have not opened its file: codes, grades, times."""
    return {name: value for name, value in snapshot(case).items() if name not in _HIDDEN}


def covers(bearer: Bearer, case: Case, blind: BlindIndex) -> bool:
    """Tell whether a case lies in the bearer's district; of an erased one only the county is left."""
    if case.erased:
        return case.district.startswith(bearer.district[:COUNTY_DIGITS])
    if len(bearer.district) <= COUNTY_DIGITS:
        return bearer.covers(case.district)
    return blind("place", bearer.district) in case.place


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseQuery:
    """Which cases are wanted."""

    grade: str | None = None
    category: str | None = None
    district: str = ""
    child_case: str | None = None
    #: The last case of the page before.
    after: str | None = None
    limit: int = 50

    def __post_init__(self) -> None:
        object.__setattr__(self, "limit", int(self.limit))

    def filter(self, bearer: Bearer, blind: BlindIndex) -> dict[str, Any]:
        """Return the query as the database understands it, within the district of who asks."""
        wanted: dict[str, Any] = {}
        if self.grade:
            wanted["state.grade"] = self.grade
        if self.category:
            wanted["state.categories"] = self.category
        if self.child_case:
            wanted["state.child_case"] = self.child_case == "true"
        if self.after:
            wanted["_id"] = {"$lt": self.after}
        return {
            "$and": [{"state.erased": None}, wanted, _within(self.district, blind), _within(bearer.district, blind)]
        }


def _within(district: str, blind: BlindIndex) -> dict[str, Any]:
    """Return the query for what lies in a district; below the county, cases know their place by tokens only."""
    if not district:
        return {}
    if len(district) <= COUNTY_DIGITS:
        return {"state.district": {"$regex": f"^{district}"}}
    return {"state.place": blind("place", district)}
