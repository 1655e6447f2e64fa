"""Measures how long reports take to the agencies' streams: `python -m tests.bench.feed --help`."""

import gc
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import click
import psutil
import yaml
from rich.console import Console
from rich.table import Table

from shared.runtime.auth import Role
from tests.acceptance.random_week import random_week
from tests.bench.feed.trace import traced
from tests.bench.load import Load, Sample, rendered
from tests.bench.process import ROOT, cpu, listener
from tests.support.system import System, wait_until

AGENCIES = ("police", "court", "justice", "civil_affairs", "health")
DISTRICT = "33"
#: The goal: of 100 deliveries 99 are in the stream within so many seconds after the report was accepted.
GOAL = 0.3
#: Seconds without any new delivery after which a run is over.
SILENCE = 2.0
CONNECTIONS = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What one run came to; times in seconds."""

    reports: int
    #: Reports that were not answered 2xx: those that say something else under a key that is taken.
    refused: int
    #: Reports accepted in a second.
    rate: float
    accepting_p50: float
    accepting_p99: float
    deliveries: int
    #: From the answer to the report, to the message in the hands of the agency's consumer.
    p50: float
    p99: float
    longest: float
    #: Of that, what passed since feed began to store the delivery.
    p50_after: float
    p99_after: float
    by_agency: Mapping[str, tuple[int, float, float]]
    #: Processor time of each part for each report.
    cpu: Mapping[str, float]
    #: Share of the machine's processor time that went to anything else.
    foreign: float


@click.command()
@click.option("--rate", default=200.0, show_default=True, help="Reports in a second.")
@click.option("--seconds", default=20, show_default=True, help="How long they come.")
@click.option("--warm-up", default=400, show_default=True, help="Reports sent before anything is measured.")
@click.option("--seed", default=1, show_default=True, help="Of the generated week.")
@click.option("--json", "json_file", type=click.Path(dir_okay=False, path_type=Path), help="Write the figures there.")
@click.option("--strict", is_flag=True, help="Exit 1 when the goal is missed.")
def main(rate: float, seconds: int, warm_up: int, seed: int, json_file: Path | None, *, strict: bool) -> None:
    """Measure from the answer to POST /reports to the message in the consumer of each agency's stream."""
    bodies = _bodies(seed, int(rate * seconds) + warm_up)
    with tempfile.TemporaryDirectory(prefix="niangjia-bench-") as folder, System(Path(folder)) as system:
        system.start_all()
        _register(system, seed, len(bodies))
        told = {agency: _added(system, agency) for agency in AGENCIES}
        with _reading(told) as readers:
            _send(system, bodies[:warm_up], None, [])
            time.sleep(SILENCE)
            outcome = _measure(system, bodies[warm_up:], rate, readers)
    _show(outcome)
    if json_file:
        json_file.write_text(f"{json.dumps(asdict(outcome), indent=2)}\n", encoding="utf-8")
    if strict and outcome.p99 > GOAL:
        sys.exit(1)


def _bodies(seed: int, amount: int) -> list[bytes]:
    """Return reports of a generated week, each key once."""
    reports = {report["report_key"]: report for report in random_week(seed, amount).reports}
    return [json.dumps(report, ensure_ascii=False).encode() for report in reports.values()][:amount]


def _register(system: System, seed: int, amount: int) -> None:
    volunteers = [json.dumps(one).encode() for one in random_week(seed, amount).volunteers[:200]]
    system.client(Role.COORDINATOR).post_lines("volunteer", "/volunteers/batch", volunteers)


def _added(system: System, agency: str) -> dict[str, str]:
    agreement = yaml.safe_load((ROOT / "services" / "feed" / "agreements" / f"{agency}.yml").read_text("utf-8"))
    name = agency.replace("_", "-")
    form = {"name": name, "agreement": json.loads(json.dumps(agreement, default=str)), "districts": [DISTRICT]}
    answer = system.client(Role.ADMIN).post("feed", "/agencies", json=form)
    answer.raise_for_status()
    told: dict[str, str] = answer.json()["amqp"]
    return told


@contextmanager
def _reading(told: Mapping[str, Mapping[str, str]]) -> "Iterator[subprocess.Popen[str]]":
    """Give the process that reads the streams."""
    command = [sys.executable, "-m", "tests.bench.feed.readers"]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as readers:
        assert readers.stdin
        assert readers.stdout
        readers.stdin.write(f"{json.dumps({name.replace('_', '-'): one for name, one in told.items()})}\n")
        readers.stdin.flush()
        readers.stdout.readline()
        yield readers


def _measure(system: System, bodies: Sequence[bytes], rate: float, readers: "subprocess.Popen[str]") -> Outcome:
    pids = _pids(system, readers)
    before = {part: cpu(pid) for part, pid in pids.items()}
    busy, began = _busy(), time.perf_counter()
    heard: list[tuple[float, bytes]] = []
    sample = _send(system, bodies, rate, heard)
    _settle(system)
    used = {part: cpu(pid) - before[part] for part, pid in pids.items()}
    whole = (time.perf_counter() - began) * (os.cpu_count() or 1)
    foreign = max(0.0, _busy() - busy - sum(used.values())) / whole
    output, _ = readers.communicate()
    latencies, after = _latencies(system, heard, json.loads(output))
    every = sorted(one for found in latencies.values() for one in found)
    return Outcome(
        reports=len(heard),
        refused=sample.failed,
        rate=len(heard) / (sample.last_answered - sample.first_sent),
        accepting_p50=sample.quantile(0.5),
        accepting_p99=sample.quantile(0.99),
        deliveries=len(every),
        p50=_quantile(every, 0.5),
        p99=_quantile(every, 0.99),
        longest=every[-1],
        p50_after=_quantile(after, 0.5),
        p99_after=_quantile(after, 0.99),
        by_agency={name: (len(one), _quantile(one, 0.5), _quantile(one, 0.99)) for name, one in latencies.items()},
        cpu={part: seconds / len(heard) for part, seconds in used.items()},
        foreign=foreign,
    )


def _send(system: System, bodies: Sequence[bytes], rate: float | None, heard: list[tuple[float, bytes]]) -> Sample:
    headers = {"Authorization": f"Bearer {system.token(Role.OPERATOR)}"}
    requests = rendered(bodies, host="127.0.0.1", path="/reports", headers=headers)
    gc.collect()
    gc.disable()
    try:
        return Load(("127.0.0.1", system.ports["intake"]), connections=CONNECTIONS).run(
            requests, rate=rate, heard=heard
        )
    finally:
        gc.enable()


def _settle(system: System) -> None:
    """Return when everything that was caused has finished."""
    ended = system.niangjia("drain", "--timeout", "60")
    assert ended.returncode == 0, ended.stdout + ended.stderr
    agencies = system.database("feed")["agency"]
    cursors = system.database("feed")["cursors"]

    def arrived() -> bool:
        last = {one["_id"]: one["state"]["last"] for one in agencies.find()}
        return all((cursors.find_one({"_id": f"stream {n}"}) or {"number": 0})["number"] == last[n] for n in last)

    wait_until(arrived, "all deliveries to be in the streams", 60)
    time.sleep(0.5)


def _latencies(
    system: System, heard: Sequence[tuple[float, bytes]], came: Mapping[str, Mapping[str, float]]
) -> tuple[dict[str, list[float]], list[float]]:
    """Return how long deliveries took, sorted: for each agency in all, and of all since feed began to store them."""
    clock = time.time() - time.perf_counter()
    answered = {json.loads(data.partition(b"\r\n\r\n")[2])["report_id"]: at for at, data in heard}
    numbers = {name: {int(number): at for number, at in one.items()} for name, one in came.items()}
    found: dict[str, list[float]] = {name: [] for name in came}
    after = []
    for one in traced(system.database):
        if one.report in answered:
            at = numbers[one.agency][one.number]
            found[one.agency].append(at - answered[one.report])
            after.append(at + clock - one.made_at)
    return {name: sorted(those) for name, those in found.items()}, sorted(after)


def _pids(system: System, readers: "subprocess.Popen[str]") -> dict[str, int]:
    shared = {
        "broker": listener(system.amqp_uri, port=5672),
        "database": listener(system.mongo_uri, port=27017),
    }
    services = {name: system.pid(name) for name in system.modules}
    found = {name: pid for name, pid in shared.items() if pid is not None}
    return {**services, **found, "readers": readers.pid, "load": os.getpid()}


def _quantile(values: Sequence[float], share: float) -> float:
    return values[min(len(values) - 1, int(len(values) * share))] if values else 0.0


def _busy() -> float:
    times = psutil.cpu_times()
    return float(times.user + times.nice + times.system + times.steal)


def _show(outcome: Outcome) -> None:
    console = Console()
    table = Table(title="From the answer to POST /reports to the consumer of the agency's stream, in ms")
    for heading in ("agency", "deliveries", "p50", "p99"):
        table.add_column(heading, justify="left" if heading == "agency" else "right")
    for name, (amount, p50, p99) in outcome.by_agency.items():
        table.add_row(name, str(amount), f"{p50 * 1000:.0f}", f"{p99 * 1000:.0f}")
    table.add_row("all", str(outcome.deliveries), f"{outcome.p50 * 1000:.0f}", f"[bold]{outcome.p99 * 1000:.0f}")
    console.print(table, f"longest {outcome.longest * 1000:.0f} ms; goal: p99 under {GOAL * 1000:.0f} ms")
    console.print(
        f"from feed's beginning to store a delivery: p50 {outcome.p50_after * 1000:.0f} ms, "
        f"p99 {outcome.p99_after * 1000:.0f} ms"
    )
    console.print(
        f"{outcome.reports} reports accepted at {outcome.rate:.0f}/s (p50 {outcome.accepting_p50 * 1000:.0f} ms, "
        f"p99 {outcome.accepting_p99 * 1000:.0f} ms), {outcome.refused} refused"
    )
    costs: list[Any] = [f"{part} {seconds * 1e6:.0f}" for part, seconds in outcome.cpu.items()]
    console.print(f"processor time per report in µs, of {os.cpu_count()} processors: {', '.join(costs)}")
    console.print(f"others used {outcome.foreign:.0%} of the machine")


if __name__ == "__main__":
    main()
