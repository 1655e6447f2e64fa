"""One line of a check-up."""

from dataclasses import asdict, dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What was looked at, what was expected, what was found, and what to do about it."""

    name: str
    well: bool
    expected: str = ""
    found: str
    remedy: str = ""

    def as_json(self) -> dict[str, object]:
        """Return it as JSON types."""
        return asdict(self)
