"""One system through one round: started, warmed up, measured at full and at half speed, stopped."""

import gc
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from time import perf_counter, sleep

import psutil

from tests.bench.figures import Figures
from tests.bench.load import Load, Sample, rendered
from tests.bench.process import cpu, memory
from tests.bench.reports import Report, Reports, encoded
from tests.bench.system import System

#: Seconds without any new effect after which the rest counts as lost.
PATIENCE = 60.0
_LOOK_EVERY = 0.01


class EffectsMissing(Exception):
    """Reports were accepted whose effects are not stored by every consumer."""


class NothingAccepted(Exception):
    """Not one report was answered 2xx."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How much is sent."""

    reports: int
    warm_up: int
    connections: int
    #: Process ids of what the systems share, where they run on this machine.
    shared: Mapping[str, int]
    mongo_uri: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One batch of reports, up to their effects."""

    sample: Sample
    seconds: float
    cpu: Mapping[str, float]
    foreign: float


def measure(system: System, plan: Plan, templates: list[Report], number: int) -> Figures:
    """Take a system through one round and leave nothing of it behind.

    Raises:
        NotReady: it does not start.
        NoAnswer: it stopped answering.
        NothingAccepted: it refused everything.
        EffectsMissing: an effect of an accepted report is not stored.
    """
    # Every system gets the same reports in a round.
    reports = iter(Reports(templates, seed=number))
    try:
        system.start()
        _run(system, plan, reports, plan.warm_up)
        full = _run(system, plan, reports, plan.reports)
        rate = len(full.sample.latencies) / full.seconds
        half = _run(system, plan, reports, plan.reports // 2, rate=rate / 2)
        used = {service: memory(pid) for service, pid in system.pids().items()}
    finally:
        system.stop()
    return Figures(
        system=system.name,
        round=number,
        accepted=len(full.sample.latencies),
        failed=full.sample.failed,
        complaint=full.sample.complaint or half.sample.complaint,
        seconds=full.seconds,
        p50=full.sample.quantile(0.50),
        p99=full.sample.quantile(0.99),
        p50_at_half=half.sample.quantile(0.50),
        p99_at_half=half.sample.quantile(0.99),
        failed_at_half=half.sample.failed,
        memory=used,
        cpu=full.cpu,
        foreign=max(full.foreign, half.foreign),
    )


def _run(system: System, plan: Plan, reports: Iterator[Report], amount: int, rate: float | None = None) -> Run:
    bodies = [encoded(next(reports)) for _ in range(amount)]
    requests = rendered(bodies, host=system.address[0], path="/reports", headers=system.headers)
    before = system.count()
    _settle()
    pids = {**system.pids(), **plan.shared, "load": os.getpid()}
    used = {part: cpu(pid) for part, pid in pids.items()}
    busy = _busy()
    gc.disable()
    try:
        sample = Load(system.address, connections=plan.connections).run(requests, rate=rate)
        if not sample.latencies:
            raise NothingAccepted(f"{system.name} accepted none of {amount} reports: {sample.complaint}")
        stored = _await_effects(system, before, len(sample.latencies))
    finally:
        gc.enable()
    whole = _busy() - busy
    used = {part: cpu(pid) - used[part] for part, pid in pids.items()}
    seconds = stored - sample.first_sent
    foreign = max(0.0, whole - sum(used.values())) / (seconds * (os.cpu_count() or 1))
    return Run(sample=sample, seconds=seconds, cpu=used, foreign=foreign)


def _await_effects(system: System, before: Mapping[str, int], amount: int) -> float:
    """Return the moment at which every consumer had stored the effects of `amount` more reports.

    Nothing is asked while reports are sent, so that the looking costs no system anything.

    Raises:
        EffectsMissing: nothing more comes.
    """
    last, since = None, perf_counter()
    while True:
        seen = system.estimate()
        if all(seen[consumer] >= before[consumer] + amount for consumer in before):
            seen = system.count()
            if all(seen[consumer] >= before[consumer] + amount for consumer in before):
                return perf_counter()
        now = perf_counter()
        if seen != last:
            last, since = seen, now
        elif now - since > PATIENCE:
            missing = {consumer: before[consumer] + amount - seen[consumer] for consumer in before}
            raise EffectsMissing(f"{system.name}: of {amount} accepted reports, effects are missing: {missing}")
        sleep(_LOOK_EVERY)


def _settle() -> None:
    """Let the machine write out what earlier rounds left, so that no system pays for another."""
    os.sync()
    gc.collect()
    sleep(0.5)


def _busy() -> float:
    """Return the seconds for which the processors of this machine have worked or were taken away from it.

    Soft interrupts are left out: they are the network traffic of the measurement, charged to no process.
    """
    times = psutil.cpu_times()
    return float(times.user + times.nice + times.system + times.steal)
