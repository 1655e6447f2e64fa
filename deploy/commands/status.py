"""`niangjia status`: what runs, where, and how it is."""

import json
from urllib.parse import urlsplit

import click
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from deploy import broker, database
from deploy.home import Home
from deploy.stack import Stack, Status


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON, with the passwords in the addresses.")
@click.pass_obj
def command(home: Home, as_json: bool) -> None:
    """Show what runs, where, and how it is."""
    status = Stack(home).status()
    if as_json:
        click.echo(json.dumps(status.as_json(), indent=2))
    else:
        Console().print(table(status))


def table(status: Status) -> Table:
    """Return a table for a person, without passwords."""
    rows = Table("part", "process", "address", "state", box=None, pad_edge=False)
    for name, service in status.services.items():
        rows.add_row(name, _process(service.pid), service.http, _state(service.trouble))
    rows.add_row(
        "broker", _process(status.broker_pid), _place(status.amqp_uri), _state(broker.trouble(status.amqp_uri))
    )
    rows.add_row(
        "database", _process(status.database_pid), _place(status.mongo_uri), _state(database.trouble(status.mongo_uri))
    )
    return rows


def _process(pid: int | None) -> str:
    return str(pid) if pid else "-"


def _state(trouble: str) -> str:
    return f"[red]{escape(trouble)}[/red]" if trouble else "[green]well[/green]"


def _place(uri: str) -> str:
    parts = urlsplit(uri)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"
