"""Measures how fast a year of a city is replayed through the pure core: `python -m tests.bench.replay --help`.

An event counts once when a service says it and once for each service that hears it: each time a model decided or its
state changed. What is measured is everything between a command and the events as they would be published: looking up,
deciding, checking against the catalogue, ids, encoding, decoding for who hears it. Making the commands (tokens of
persons) is not: that is the edge. Rates are by processor time of one core. What else a machine does at that moment
slows the core down, too; so the rate is also told for short stretches, and the best tenth of them is what the core does
when it is left alone.
"""

import gc
import json
import os
import resource
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from itertools import starmap
from pathlib import Path
from statistics import quantiles

import click
from rich.console import Console
from rich.table import Table

from deploy.city import models, told_report, told_volunteer, whole_city
from deploy.sample import WEEK
from shared.events import Event
from shared.replay.city import City
from shared.replay.recording import Command, Line, Recorded, read, write
from shared.replay.replay import InMemory, Replay
from tests.bench.register import register
from tests.bench.reports import Reports, templates
from tests.support.scenarios import agency

YEAR = timedelta(days=365)
AGENCIES = ("police", "court", "justice", "civil_affairs", "health", "statistics")
#: Lines whose time is taken together.
STRETCH = 250
_SEED = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What one replay came to."""

    what: str
    #: Events that services said.
    said: int
    #: Events that services heard, one for each.
    heard: int
    #: Of processor time.
    seconds: float
    #: By the clock.
    elapsed: float
    #: Events in a second of one core, of each stretch.
    stretches: tuple[float, ...]

    @property
    def rate(self) -> float:
        """Events in a second of one core."""
        return (self.said + self.heard) / self.seconds

    @property
    def undisturbed(self) -> float:
        """The same in the best tenth of the stretches."""
        return quantiles(self.stretches, n=10)[-1]


class Timed(InMemory):
    """Takes the time of every so many lines."""

    def __init__(self, city: City) -> None:
        super().__init__(city)
        self._city, self._lines = city, 0
        self._last = time.process_time(), 0
        self.stretches: list[float] = []

    def take(self, line: Line) -> None:
        """Let a line happen."""
        super().take(line)
        self._lines += 1
        if self._lines % STRETCH == 0:
            now, events = time.process_time(), len(self.said()) + self._city.heard
            before, known = self._last
            self.stretches.append((events - known) / (now - before))
            self._last = now, events


@click.command()
@click.option("--reports", default=10_000, show_default=True, help="Reports of the year.")
@click.option("--at-least", type=float, help="Exit 1 when fewer events a second go through the whole city.")
@click.option("--json", "json_file", type=click.Path(dir_okay=False, path_type=Path), help="Write all figures there.")
def main(reports: int, at_least: float | None, json_file: Path | None) -> None:
    """Replay a year of a city's reports, with six agencies and 247 volunteers."""
    console = Console()
    with console.status("inventing a year"):
        commands = list(_year(reports))
    gc.collect()
    gc.freeze()
    with console.status("replaying it"):
        whole, said = _whole(commands)
        rest = [_alone(service, commands, said) for service in models()]
    _show([whole, *rest], said, console)
    if json_file:
        figures = [{**asdict(one), "rate": one.rate, "undisturbed": one.undisturbed} for one in (whole, *rest)]
        json_file.write_text(json.dumps(figures, indent=2))
    if at_least and whole.undisturbed < at_least:
        console.print(f"[red]{whole.undisturbed:.0f} events in a second are fewer than {at_least:.0f}")
        sys.exit(1)


def _year(amount: int) -> Iterator[Command]:
    """Yield what the city is told in a year: reports, and four times the register of volunteers as it is then."""
    yield from map(agency, AGENCIES)
    reports = Reports(templates(WEEK / "reports.jsonl"), seed=_SEED, step=YEAR / amount).take(amount)
    for n, report in enumerate(reports):
        if n % (amount // 4) == 0:
            yield from _register(datetime.fromisoformat(report["received_at"]))
        yield told_report(report)


def _register(at: datetime) -> Iterator[Command]:
    """Yield the register, in which everybody was trained and checked anew."""
    for line in register(WEEK / "volunteers.jsonl").splitlines():
        record = json.loads(line)
        fresh = dict.fromkeys(("trained_on", "record_checked_on"), at.date().isoformat())
        certificates = [{**one, "expires": "2030-12-31"} for one in record.get("certificates") or ()]
        yield told_volunteer({**record, **fresh, "certificates": certificates}, at=at.astimezone(UTC))


def _whole(commands: list[Command]) -> tuple[Outcome, Sequence[Event]]:
    """Replay into all services, wired."""
    return _measured("the whole city", starmap(Recorded, enumerate(commands, start=1)), whole_city())


def _alone(service: str, commands: Iterable[Command], said: Iterable[Event]) -> Outcome:
    """Replay a recording into one service, the reading and checking of its file included."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "year.ndjson"
        write(file, _told_to(service, commands, said))
        city = City(models()[service], enrich={"notification": _nothing_said})
        return _measured(f"{service}, from a file", read(file), city)[0]


def _measured(what: str, lines: Iterable[Recorded], city: City) -> tuple[Outcome, Sequence[Event]]:
    stages: list[Timed] = []

    def timed(city: City) -> Timed:
        stages.append(Timed(city))
        return stages[-1]

    began, clock = time.process_time(), time.perf_counter()
    said = Replay(lines, "year", stage=timed).into(city).events
    outcome = Outcome(
        what=what,
        said=len(said),
        heard=city.heard,
        seconds=time.process_time() - began,
        elapsed=time.perf_counter() - clock,
        stretches=tuple(stages[0].stretches),
    )
    return outcome, said


def _told_to(service: str, commands: Iterable[Command], said: Iterable[Event]) -> Iterator[Line]:
    """Yield what one service is told: the commands to it, and the events of the others."""
    yield from (command for command in commands if command.to == service)
    yield from (event for event in said if event.source != service)


def _nothing_said(event: Event) -> dict[str, None] | None:
    return {"contact": None} if event.type == "report.received" else None


def _show(outcomes: list[Outcome], said: Sequence[Event], console: Console) -> None:
    table = Table(title="events in a second of one core: said by a service, or heard by one")
    for name in ("", "said", "heard", "seconds", "by the clock", "events/s", "left alone"):
        table.add_column(name, justify="left" if not name else "right")
    for one in outcomes:
        table.add_row(
            one.what,
            f"{one.said:,}",
            f"{one.heard:,}",
            f"{one.seconds:.1f}",
            f"{one.elapsed:.1f}",
            f"[bold]{one.rate:,.0f}",
            f"{one.undisturbed:,.0f}",
        )
    console.print(table)
    most = ", ".join(f"{count:,} {name}" for name, count in Counter(event.type for event in said).most_common(6))
    megabytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    console.print(
        f"most of them: {most}", f"memory: {megabytes:,.0f} MB, {os.cpu_count()} cores", sep="\n", style="dim"
    )


if __name__ == "__main__":
    main()
