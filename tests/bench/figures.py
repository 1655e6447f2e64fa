"""What was measured, and what follows from it over all rounds."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from statistics import median
from typing import Any

from tests.bench.process import Memory

#: Share of the machine that others may use before a round counts as disturbed.
QUIET = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """One system in one round. Times in seconds."""

    system: str
    round: int
    #: Reports answered 2xx, and the others.
    accepted: int
    failed: int
    complaint: str
    #: From the first report sent to the last effect stored so that it survives a crash.
    seconds: float
    p50: float
    p99: float
    #: At half the rate of this round, the requests being due at fixed moments.
    p50_at_half: float
    p99_at_half: float
    failed_at_half: int
    memory: Mapping[str, Memory]
    #: Processor time of each service, of broker and database where they run on this machine, and of the load.
    cpu: Mapping[str, float]
    #: Share of the machine's processor time that went to anything else (of both runs the larger).
    foreign: float

    @property
    def rate(self) -> float:
        """Cases per second, from the request to the last consumer's stored effect."""
        return self.accepted / self.seconds

    @property
    def cost(self) -> float:
        """Seconds of processor time that a case took, in all parts together."""
        return sum(self.cpu.values()) / self.accepted

    @property
    def disturbed(self) -> bool:
        """Whether others used so much of the machine that the figures say little."""
        return self.foreign > QUIET


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """All rounds."""

    figures: Sequence[Figures]
    #: Name of the system that is compared with the others.
    ours: str
    setting: Mapping[str, Any]
    versions: Mapping[str, str]

    def of(self, system: str) -> list[Figures]:
        """Return the rounds of a system."""
        return [f for f in self.figures if f.system == system]

    @property
    def systems(self) -> list[str]:
        """The systems in the order in which they ran."""
        return list(dict.fromkeys(f.system for f in self.figures))

    @property
    def disturbed(self) -> bool:
        """Whether any round was."""
        return any(f.disturbed for f in self.figures)

    @property
    def ratios(self) -> list[float]:
        """Our rate against the better of the others in the same round; empty when one side did not run."""
        return [mine.rate / max(f.rate for f in others) for mine, others in self._pairs()]

    @property
    def cost_ratios(self) -> list[float]:
        """The processor time of the cheaper of the others against ours: what noise on the machine changes least."""
        return [min(f.cost for f in others) / mine.cost for mine, others in self._pairs()]

    @property
    def ratio(self) -> float | None:
        """The middle one of the ratios; None when there are none."""
        return median(self.ratios) if self.ratios else None

    @property
    def cost_ratio(self) -> float | None:
        """The middle one of the ratios of processor time; None when there are none."""
        return median(self.cost_ratios) if self.cost_ratios else None

    def _pairs(self) -> Iterator[tuple[Figures, list[Figures]]]:
        """Yield of each round ours and the others, where both ran."""
        for number in sorted({f.round for f in self.figures}):
            here = [f for f in self.figures if f.round == number]
            mine = [f for f in here if f.system == self.ours]
            others = [f for f in here if f.system != self.ours]
            if mine and others:
                yield mine[0], others

    def as_json(self) -> dict[str, Any]:
        """Return everything, with the rates that follow."""
        return {
            "ratio": self.ratio,
            "ratios": self.ratios,
            "cost_ratio": self.cost_ratio,
            "cost_ratios": self.cost_ratios,
            "disturbed": self.disturbed,
            "rates": {system: median(f.rate for f in self.of(system)) for system in self.systems},
            "setting": dict(self.setting),
            "versions": dict(self.versions),
            "rounds": [{**asdict(f), "rate": f.rate, "disturbed": f.disturbed} for f in self.figures],
        }
