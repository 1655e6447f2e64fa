"""Who helps in a case, and with what."""

from msgspec import Struct, field
from msgspec.structs import replace


class Team(Struct, frozen=True, kw_only=True):
    """The volunteers of one case: for each skill that was asked, who gives it."""

    #: Of the case.
    id: str
    #: Volunteer by skill.
    filled: dict[str, str] = field(default_factory=dict)
    #: Skills that nobody could give when they were last asked; every later report asks again.
    unfilled: tuple[str, ...] = ()

    def members(self) -> list[str]:
        """Return the ids of all who help."""
        return sorted(set(self.filled.values()))

    def with_member(self, skill: str, volunteer_id: str) -> "Team":
        """Return the team with a skill given by a volunteer."""
        return replace(
            self,
            filled=dict(sorted({**self.filled, skill: volunteer_id}.items())),
            unfilled=tuple(one for one in self.unfilled if one != skill),
        )

    def without(self, skill: str) -> "Team":
        """Return the team with nobody who gives a skill."""
        return replace(self, filled={one: who for one, who in self.filled.items() if one != skill})

    def lacking(self, skill: str) -> "Team":
        """Return the team with a skill that nobody could give."""
        return replace(self, unfilled=tuple(sorted({*self.unfilled, skill})))
