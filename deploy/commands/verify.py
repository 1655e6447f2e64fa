"""`niangjia verify`: whether what is stored is whole."""

import json

import click
from rich.console import Console

from deploy.audit import chain, inbox, states
from deploy.audit.finding import Audit
from deploy.audit.models import models
from deploy.home import Home
from deploy.stores import Stores, opened
from shared.runtime.variables import SERVICES

#: Faults of a service that are told to a person.
_TOLD = 20


@click.command()
@click.option("--service", type=click.Choice(SERVICES), help="Only this one.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_context
def command(context: click.Context, service: str | None, as_json: bool) -> None:
    """Prove that what the services have stored is whole; exit with 1 if it is not.

    Every journal has all its numbers and fits its chain of hashes; the stored states are those that follow from it;
    every event was handled once by each service that listens to it, or is parked, or still to come. Changes nothing,
    and the services may go on meanwhile.
    """
    home: Home = context.obj
    audits = []
    with opened(home) as stores, Console(stderr=True).status("") as shown:
        for name in [service] if service else SERVICES:
            shown.update(f"looking at {name}")
            audits.append(_audited(name, stores))
            if not as_json:
                _say(audits[-1])
    if as_json:
        click.echo(json.dumps({audit.service: audit.as_json() for audit in audits}, indent=2))
    context.exit(0 if all(audit.is_whole for audit in audits) else 1)


def _audited(service: str, stores: Stores) -> Audit:
    audit, store = Audit(service=service), stores[service]
    store.check_master()
    chain.check(store, stores, audit)
    states.check(store, models()[service], audit)
    inbox.check(store, stores, audit)
    return audit


def _say(audit: Audit) -> None:
    click.echo(audit.sentence())
    for fault in audit.faults[:_TOLD]:
        click.echo(f"  {fault}")
    if audit.count > _TOLD:
        click.echo(f"  and {audit.count - _TOLD} more; see --json")
