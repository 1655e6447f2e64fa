"""`niangjia rebuild`: make states anew from the journal."""

import json
from collections.abc import Iterator
from functools import partial

import click
from rich.console import Console

from deploy.audit.models import models
from deploy.home import Home
from deploy.problem import Problem
from deploy.rebuild.rebuild import Rebuild, Rebuilt
from deploy.rebuild.running import check_stopped
from deploy.stores import Stores, opened
from shared.runtime.variables import SERVICES

#: Differences that are told to a person.
_TOLD = 20


@click.command()
@click.option("--service", type=click.Choice(SERVICES), help="Only this one.")
@click.option("--into", "database", help="Write the states into this database, which must be empty. Needs --service.")
@click.option("--replace", is_flag=True, help="Put them in the place of what is stored. The service must be stopped.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_context
def command(context: click.Context, service: str | None, database: str | None, replace: bool, as_json: bool) -> None:
    """Rebuild the states of a service from its journal, and say where the stored ones differ.

    Changes nothing, unless it is told to; exits with 1 where something differs that was not replaced. After an upgrade
    that changes how states look, `--replace` is all that is to be done: stop the services, replace, start the new ones.
    Cut short it is simply called again; until then the service does not work on half of it.
    """
    if database and (replace or not service):
        raise Problem(
            "--into writes the states of one service into a database", "give --service, and no --replace", exit_code=2
        )
    home: Home = context.obj
    results = []
    with opened(home) as stores, Console(stderr=True).status("") as shown:
        for name in [service] if service else SERVICES:
            shown.update(f"rebuilding {name}")
            results.append(_rebuilt(home, stores, name, database, replace=replace))
            if not as_json:
                _say(results[-1])
    if as_json:
        click.echo(json.dumps({result.service: result.as_json() for result in results}, indent=2))
    context.exit(0 if all(result.equal or result.replaced for result in results) else 1)


def _rebuilt(home: Home, stores: Stores, service: str, database: str | None, *, replace: bool) -> Rebuilt:
    store = stores[service]
    store.check_master()
    rebuild = Rebuild(store, models()[service])
    if replace:
        return rebuild.replace(partial(check_stopped, home, store))
    return rebuild.into(database) if database else rebuild.compare()


def _say(result: Rebuilt) -> None:
    figures = ", ".join(f"{count} {kind}" for kind, count in result.states.items())
    click.echo(f"{result.service}: {_verdict(result)} ({result.sequence} events; {figures}{_erased(result)})")
    for line in _lines(result):
        click.echo(f"  {line}")


def _verdict(result: Rebuilt) -> str:
    said = "equal" if result.equal else f"{result.count + len(result.faults)} differences"
    if result.replaced:
        return f"replaced; what was stored: {said}"
    return f"{said}; written into {result.database}" if result.database else said


def _erased(result: Rebuilt) -> str:
    taken_over = f", {result.taken_over} states of theirs as they were" if result.taken_over else ""
    return f"; {result.erased} erased{taken_over}" if result.erased else ""


def _lines(result: Rebuilt) -> Iterator[str]:
    yield from result.faults
    for one in result.differences[:_TOLD]:
        fields = f" ({', '.join(one.fields)})" if one.fields else ""
        yield f"{one.ref.kind} {one.ref.id}: {one.what}{fields}"
    if result.count > _TOLD:
        yield f"and {result.count - _TOLD} more; see --json"
