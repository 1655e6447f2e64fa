"""`niangjia drain`: wait until all that was caused has finished."""

import json
import time
from collections.abc import Callable

import click
from rich.console import Console
from rich.table import Table

from deploy.home import Home
from deploy.progress import Look, Progress
from deploy.queues import Queues
from deploy.stores import opened
from shared.runtime.settings import Reader

_PAUSE_SECONDS = 0.2


@click.command()
@click.option("--timeout", type=click.FloatRange(min=0), default=120, help="Seconds to wait at most.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_context
def command(context: click.Context, timeout: float, as_json: bool) -> None:
    """Wait until everything caused so far has finished in every service.

    That is: all events are published, taken and handled, none waits for another try, and every notice has left.
    Exits with 1, and says what is left, when that takes too long, or when only a person can go on (dead letters).
    """
    home: Home = context.obj
    began = time.monotonic()
    console = Console(stderr=True)
    with opened(home) as stores, console.status("waiting") as shown:
        queues = Queues(next(iter(stores.values())).settings)
        progress = Progress(stores, queues, sending=Reader().text("NIANGJIA_OUTBOX") != "off")
        look, drained = _watched(progress, began + timeout, lambda look: shown.update(_sentence(look)))
        queues.close()
    if as_json:
        click.echo(json.dumps(_document(look, time.monotonic() - began, drained=drained)))
    elif drained:
        click.echo(f"all has finished (events: {', '.join(f'{name} {head}' for name, head in look.heads.items())})")
    else:
        _show(look)
    context.exit(0 if drained else 1)


def _watched(progress: Progress, until: float, show: Callable[[Look], object]) -> tuple[Look, bool]:
    """Look until nothing is left, or nothing but what waits for a person; return the last look, and whether all is."""
    before: Look | None = None
    while True:
        look = progress.look()
        show(look)
        stable = before is not None and before.heads == look.heads and before.left == look.left
        if stable and (look.is_clear or look.is_stuck):
            return look, look.is_clear
        if before is not None and time.monotonic() >= until:
            return look, False
        before = look
        time.sleep(_PAUSE_SECONDS)


def _document(look: Look, seconds: float, *, drained: bool) -> dict[str, object]:
    return {
        "drained": drained,
        "left": [left.as_json() for left in look.left],
        "away": list(look.away),
        "events": dict(look.heads),
        "seconds": round(seconds, 3),
    }


def _sentence(look: Look) -> str:
    left = [f"{one.service}: {one.count} {one.what}" for one in look.left]
    return "; ".join([*look.away, *left]) or "nothing is left; looking once more"


def _show(look: Look) -> None:
    console = Console(highlight=False)
    if look.is_clear:
        console.print("nothing was left at the last look, but reports still come in; give it more time")
    for away in look.away:
        console.print(f"[red]{away}[/red], so it is not known what is left there; see `niangjia doctor`")
    if look.left:
        rows = Table("service", "left", "count", "", box=None, pad_edge=False)
        for left in look.left:
            rows.add_row(left.service, left.what, str(left.count), left.detail)
        console.print(rows)
    if any(left.is_dead for left in look.left):
        console.print("see `niangjia dead-letters list`, then retry or discard them")
