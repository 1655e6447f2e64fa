"""The outcome as tables for a person."""

import os
from collections.abc import Iterable
from statistics import median

from rich.console import Console
from rich.table import Table

from tests.bench.figures import QUIET, Figures, Outcome

_MEGABYTE = 1e6


def show(outcome: Outcome, console: Console) -> None:
    """Print rates, latencies, memory and processor time, and what they are worth."""
    console.print(_rates(outcome), _costs(outcome), _memory(outcome))
    _say_ratio(outcome, console)
    for figures in outcome.figures:
        if figures.failed or figures.failed_at_half:
            what = f"not answered 2xx: {figures.failed} at full speed, {figures.failed_at_half} at half"
            console.print(f"[red]{figures.system}, round {figures.round}: {what}: {figures.complaint}")
    console.print(", ".join(f"{name} {version}" for name, version in outcome.versions.items()), style="dim")


def _say_ratio(outcome: Outcome, console: Console) -> None:
    if outcome.ratio is None:
        console.print(f"No ratio: {outcome.ours} and a peer did not run side by side.")
        return
    each = ", ".join(f"{ratio:.2f}" for ratio in outcome.ratios)
    console.print(f"[bold]{outcome.ours}: {outcome.ratio:.2f} times the better peer[/] (rounds: {each})")
    console.print(f"By processor time for each case: {outcome.cost_ratio:.2f} times the cheaper peer")
    if outcome.disturbed:
        # Noise falls on one system and not on the other: the rates are then worth less than the processor times.
        console.print(f"[yellow]Others used more than {QUIET:.0%} of the machine: repeat this when it is quiet.")


def _rates(outcome: Outcome) -> Table:
    table = _table("POST /reports to effects stored by three consumers; medians, latencies in ms", _RATES)
    for system in outcome.systems:
        rounds = outcome.of(system)
        table.add_row(
            system,
            f"{median(f.rate for f in rounds):.0f}",
            " ".join(f"{f.rate:.0f}" for f in rounds),
            *(f"{median(getattr(f, name) for f in rounds) * 1000:.1f}" for name in _LATENCIES),
            " ".join(f"{f.foreign:.0%}" for f in rounds),
        )
    return table


_RATES = ("cases/s", "each round", "p50", "p99", "p50 at half", "p99 at half", "CPU of others")
_LATENCIES = ("p50", "p99", "p50_at_half", "p99_at_half")


def _costs(outcome: Outcome) -> Table:
    parts = list(dict.fromkeys(part for f in outcome.figures for part in f.cpu))
    title = f"Processor time per case in microseconds, of {os.cpu_count()} processors; medians"
    table = _table(title, (*parts, "all"))
    for system in outcome.systems:
        costs = [median(f.cpu.get(part, 0.0) / f.accepted * 1e6 for f in outcome.of(system)) for part in parts]
        table.add_row(system, *(f"{cost:.0f}" for cost in costs), f"{sum(costs):.0f}")
    return table


def _memory(outcome: Outcome) -> Table:
    services = list(dict.fromkeys(service for f in outcome.figures for service in f.memory))
    table = _table("Memory of each service in MB: resident / its share; the most of the rounds", services)
    for system in outcome.systems:
        table.add_row(system, *(_most(outcome.of(system), service) for service in services))
    return table


def _most(rounds: list[Figures], service: str) -> str:
    found = [f.memory[service] for f in rounds if service in f.memory]
    if not found:
        return ""
    return f"{max(m.rss for m in found) / _MEGABYTE:.0f} / {max(m.pss for m in found) / _MEGABYTE:.0f}"


def _table(title: str, headings: Iterable[str]) -> Table:
    table = Table(title=title, padding=(0, 0))
    table.add_column("system", no_wrap=True)
    for heading in headings:
        table.add_column(heading, justify="right")
    return table
