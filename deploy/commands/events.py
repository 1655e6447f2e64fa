"""`niangjia events`: the record of what happened."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import click
import orjson

from deploy.export import events
from deploy.home import Home
from deploy.problem import Problem
from deploy.stores import opened
from shared.events import to_structured
from shared.runtime.variables import SERVICES


@click.group()
def command() -> None:
    """Read the record of what happened."""


@command.command()
@click.option("--service", type=click.Choice(SERVICES), required=True, help="Whose journal.")
@click.option("--from", "first", type=click.IntRange(min=1), default=1, help="Number of the first event.")
@click.option("--to", "last", type=click.IntRange(min=1), help="Number of the last event; without, to the end.")
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    help="File to write, put in its place when it is whole; without, the standard output.",
)
@click.pass_obj
def export(home: Home, service: str, first: int, last: int | None, output: Path | None) -> None:
    """Print the events of a service, one CloudEvent (JSON, structured mode) a line, in the order of their numbers.

    Only what went out on the bus: no name, no narrative.
    """
    with opened(home) as stores, _target(output) as target:
        for event in events(stores[service], first, last):
            target.write(orjson.dumps(to_structured(event), option=orjson.OPT_APPEND_NEWLINE))


@contextmanager
def _target(path: Path | None) -> Iterator[BinaryIO]:
    if path is None or path.name == "-":
        yield sys.stdout.buffer
        return
    # a device or a pipe is written as it is
    beside = path if path.exists() and not path.is_file() else path.with_name(f".{path.name}.part")
    try:
        with beside.open("wb") as file:
            yield file
        if beside != path:
            beside.replace(path)
    except OSError as error:
        raise Problem(f"{path} cannot be written ({error.strerror})", "name another file with --output") from None
    finally:
        if beside != path:
            beside.unlink(missing_ok=True)
