"""What an audit found in one service."""

from dataclasses import dataclass, field
from typing import Any

#: So many faults are kept; of more only the number.
KEPT = 200


@dataclass(slots=True, kw_only=True)
class Audit:
    """The figures of one service, and what is wrong with it."""

    service: str
    entries: int = 0
    events: int = 0
    states: int = 0
    #: Persons and cases whose key was destroyed: nothing can be said of what it sealed.
    erased: int = 0
    #: Events of others that it handled.
    handled: int = 0
    faults: list[str] = field(default_factory=list)
    #: How many faults there are, those that are not kept included.
    count: int = 0

    @property
    def is_whole(self) -> bool:
        """Whether nothing is wrong."""
        return not self.count

    def fault(self, what: str) -> None:
        """Write down something that is wrong."""
        self.count += 1
        if len(self.faults) < KEPT:
            self.faults.append(what)

    def as_json(self) -> dict[str, Any]:
        """Return it as JSON types."""
        return {
            "whole": self.is_whole,
            "entries": self.entries,
            "events": self.events,
            "states": self.states,
            "erased": self.erased,
            "handled": self.handled,
            "fault_count": self.count,
            "faults": list(self.faults),
        }

    def sentence(self) -> str:
        """Return it in words."""
        figures = f"{self.events} events in {self.entries} entries, {self.states} states, {self.handled} handled"
        erased = f", {self.erased} erased" if self.erased else ""
        verdict = "whole" if self.is_whole else f"{self.count} faults"
        return f"{self.service}: {verdict} ({figures}{erased})"
