"""Measures Niangjia beside two peers: `python -m tests.bench --help`."""

import json
import platform
import shutil
import sys
import tempfile
from collections.abc import Callable, Mapping
from functools import partial
from importlib.metadata import version
from pathlib import Path
from secrets import token_hex
from typing import Any

import click
from kombu import Connection
from pymongo import MongoClient
from rich.console import Console

from tests.bench.figures import Figures, Outcome
from tests.bench.load import NoAnswer
from tests.bench.measure import EffectsMissing, NothingAccepted, Plan, measure
from tests.bench.niangjia import Niangjia
from tests.bench.peer import FASTSTREAM, NAMEKO, Peer
from tests.bench.process import ROOT, NotReady, listener
from tests.bench.reports import templates
from tests.bench.system import Place, System
from tests.bench.table import show

_SYSTEMS: Mapping[str, Callable[[Place], System]] = {
    "nameko": partial(Peer, NAMEKO),
    "faststream": partial(Peer, FASTSTREAM),
    "niangjia": Niangjia,
}
_PACKAGES = ("nameko", "eventlet", "kombu", "faststream", "aio-pika", "starlette", "uvicorn", "uvloop", "pymongo")


@click.command()
@click.option("--amqp-uri", envvar="AMQP_URI", required=True, help="Broker that all systems use.")
@click.option("--mongo-uri", envvar="MONGO_URI", required=True, help="Database (a replica set) that all systems use.")
@click.option("--rounds", default=3, show_default=True, help="Each system runs once in each round.")
@click.option("--reports", default=3000, show_default=True, help="Reports at full speed; half as many at half speed.")
@click.option("--warm-up", default=300, show_default=True, help="Reports sent before anything is measured.")
@click.option("--connections", default=64, show_default=True, help="Keep-alive connections.")
@click.option("--system", "names", type=click.Choice(list(_SYSTEMS)), multiple=True, help="Run only these.")
@click.option(
    "--sample",
    envvar="BENCH_SAMPLE",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    default=ROOT / "deploy/sample/week",
    help="Folder with the reports whose shape and mix is sent, and the volunteers. Default: the sample week.",
)
@click.option("--json", "json_file", type=click.Path(dir_okay=False, path_type=Path), help="Write all figures there.")
@click.option("--at-least", type=float, help="Exit 1 when the ratio is lower.")
def main(
    amqp_uri: str,
    mongo_uri: str,
    rounds: int,
    reports: int,
    warm_up: int,
    connections: int,
    names: tuple[str, ...],
    sample: Path,
    json_file: Path | None,
    at_least: float | None,
) -> None:
    """Measure cases per second from POST /reports to the effects stored by three consumers, system beside system."""
    console = Console()
    shared = {"broker": listener(amqp_uri, port=5672), "database": listener(mongo_uri, port=27017)}
    plan = Plan(
        reports=reports,
        warm_up=warm_up,
        connections=connections,
        shared={name: pid for name, pid in shared.items() if pid is not None},
        mongo_uri=mongo_uri,
    )
    versions = _versions(amqp_uri, mongo_uri)
    setting = {"rounds": rounds, "reports": reports, "warm_up": warm_up, "connections": connections}
    figures: list[Figures] = []
    trouble: Exception | None = None
    try:
        for number in range(1, rounds + 1):
            for name in names or _SYSTEMS:
                figures.append(_round(name, amqp_uri, plan, sample, number))
                console.print(f"round {number}: {figures[-1].system}: {figures[-1].rate:.0f} cases/s", style="dim")
    except (NotReady, NoAnswer, NothingAccepted, EffectsMissing) as error:
        trouble = error
    outcome = Outcome(figures=figures, ours=Niangjia.name, setting=setting, versions=versions)
    if figures:
        show(outcome, console)
    if json_file:
        json_file.write_text(f"{json.dumps(outcome.as_json(), indent=2)}\n", encoding="utf-8")
    if trouble:
        raise click.ClickException("\n".join([str(trouble), *trouble.__notes__])) from trouble
    if at_least is not None and (outcome.ratio or 0.0) < at_least:
        sys.exit(1)


def _round(name: str, amqp_uri: str, plan: Plan, sample: Path, number: int) -> Figures:
    folder = Path(tempfile.mkdtemp(prefix="niangjia-bench-"))
    place = Place(
        amqp_uri=amqp_uri, mongo_uri=plan.mongo_uri, namespace=f"b{token_hex(5)}", folder=folder, sample=sample
    )
    try:
        figures = measure(_SYSTEMS[name](place), plan, templates(sample / "reports.jsonl"), number)
    except Exception as error:
        error.add_note(f"The logs of its processes are kept in {folder}.")
        raise
    shutil.rmtree(folder, ignore_errors=True)
    return figures


def _versions(amqp_uri: str, mongo_uri: str) -> dict[str, str]:
    with Connection(amqp_uri) as connection:
        connection.connect()
        properties: dict[str, Any] = connection.connection.server_properties
    with MongoClient(mongo_uri) as mongo:  # type: ignore[var-annotated]
        database = mongo.server_info()["version"]
    packages = {package: version(package) for package in _PACKAGES}
    return {"Python": platform.python_version(), "RabbitMQ": properties["version"], "MongoDB": database, **packages}


if __name__ == "__main__":
    main()
