"""`niangjia dead-letters`: what the services gave up, until somebody sends it back or discards it."""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import click
from rich.console import Console
from rich.table import Table

from deploy import dead_letter, unreadable
from deploy.dead_letter import DeadLetter
from deploy.home import Home
from deploy.queues import Queues, away, reached
from deploy.stores import Stores, opened
from shared.runtime.broker import BrokerAway

_LOST = "ended the process of its consumer again and again; the broker keeps it"


@click.group()
def command() -> None:
    """See what the services gave up; send it back or discard it.

    An event that failed at every try stays here, and later events of its case wait behind it. So does a message that
    is no event.
    """


@command.command("list")
@click.option("--all", "waiting", is_flag=True, help="Also what failed and is tried again.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_obj
def list_(home: Home, waiting: bool, as_json: bool) -> None:
    """List the dead letters of all services."""
    with _places(home) as (stores, queues):
        letters = list(dead_letter.parked(stores, waiting=waiting))
        lost = _lost(queues, stores)
    if as_json:
        rows = [letter.as_json() for letter in letters]
        rows += [{"id": name, "consumer": name, "dead": True, "reason": _LOST, "messages": lost[name]} for name in lost]
        click.echo(json.dumps(rows, indent=2))
    else:
        _show(letters, lost)


@command.command()
@click.argument("id")
@click.option("--json", "as_json", is_flag=True, help="Print it on one line.")
@click.pass_obj
def show(home: Home, id: str, as_json: bool) -> None:
    """Print a dead letter as JSON: the event with its public data; of an unreadable message only its size."""
    with opened(home) as stores:
        ((service, (full,)),) = dead_letter.found(stores, [id]).items()
        shown = dead_letter.shown(stores[service], full)
    click.echo(json.dumps(shown, indent=None if as_json else 2, ensure_ascii=False))


@command.command()
@click.argument("ids", metavar="[ID]...", nargs=-1)
@click.option("--all", "every", is_flag=True, help="All of them.")
@click.pass_obj
def retry(home: Home, ids: tuple[str, ...], every: bool) -> None:
    """Send dead letters back: they are tried at once, with all tries before them, and their cases go on."""
    if every == bool(ids):
        raise click.UsageError("Name dead letters, or use --all.")
    with _places(home) as (stores, queues):
        letters, lost = _chosen(stores, queues, ids)
        count = dead_letter.retry(stores, letters, datetime.now(UTC))
        count += sum(unreadable.send_back(queues, name) for name in lost)
    click.echo(f"{count} sent back; `niangjia drain` waits for them")


@command.command()
@click.argument("ids", metavar="ID...", nargs=-1, required=True)
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.pass_obj
def discard(home: Home, ids: tuple[str, ...], yes: bool) -> None:
    """Give dead letters up for good: their effects never come, and what waits behind them goes on."""
    if not yes and not sys.stdin.isatty():
        raise click.UsageError("Nobody can be asked here; use --yes.")
    with _places(home) as (stores, queues):
        letters, lost = _chosen(stores, queues, ids)
        if not yes:
            click.confirm(f"Give up {len(ids)} for good?", abort=True, err=True)
        count = dead_letter.discard(stores, letters, datetime.now(UTC))
        count += sum(unreadable.discard(queues, name) for name in lost)
    click.echo(f"{count} discarded")


@contextmanager
def _places(home: Home) -> Iterator[tuple[Stores, Queues]]:
    with opened(home) as stores, reached(next(iter(stores.values())).settings) as queues:
        yield stores, queues


def _chosen(stores: Stores, queues: Queues, ids: tuple[str, ...]) -> tuple[list[str], list[str]]:
    """Return the dead letters and the queues of the broker that are meant; all where none is named.

    Raises:
        Problem: there is none of such a name.
    """
    lost = _lost(queues, stores)
    if not ids:
        return [letter.id for letter in dead_letter.parked(stores)], list(lost)
    letters = [name for name in ids if name not in lost]
    dead_letter.found(stores, letters)
    return letters, [name for name in ids if name in lost]


def _lost(queues: Queues, stores: Stores) -> dict[str, int]:
    """Return how many messages the broker gave up, by queue; says so when it cannot be asked."""
    try:
        return unreadable.depths(queues, stores)
    except BrokerAway as error:
        click.echo(f"{away(error)}: what it gave up itself is not listed", err=True)
        return {}


def _show(letters: list[DeadLetter], lost: dict[str, int]) -> None:
    console = Console(highlight=False)
    if not letters and not lost:
        console.print("there are no dead letters")
        return
    rows = Table("id", "event", "case", "attempts", "reason", "since", "behind", box=None, pad_edge=False)
    for letter in letters:
        since = letter.since.isoformat(sep=" ", timespec="seconds")
        reason = letter.reason if letter.dead else f"{letter.reason} (is tried again)"
        rows.add_row(
            letter.id, letter.type or "-", letter.case, str(letter.attempts), reason, since, str(letter.behind)
        )
    for name, count in lost.items():
        rows.add_row(name, f"{count} messages", "", "", _LOST, "", "")
    console.print(rows)
