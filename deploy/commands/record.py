"""`niangjia record`: what services were told, as a recording that can lie in a repository."""

import hmac
import sys
from datetime import date, datetime, time, timedelta
from pathlib import Path

import click
from rich.console import Console

from deploy.home import Home
from deploy.problem import Problem
from deploy.recording.bus import passing
from deploy.recording.recorder import Recorder, Tally, Wanted
from deploy.stores import opened, settings_of
from shared.privacy import BlindIndex
from shared.replay.recording import write, write_lines
from shared.rules import CHINA
from shared.runtime.variables import SERVICES

_STDOUT = Path("-")


@click.command()
@click.option("--service", "services", type=click.Choice(SERVICES), multiple=True, required=True, help="Who was told.")
@click.option("--case", "cases", multiple=True, help="Only what this case brought about, by its id.")
@click.option("--from", "first", metavar="TIME", help="Only what happened from then on: a day (China's) or a time.")
@click.option("--to", "last", metavar="TIME", help="Only what happened before then, or until the end of that day.")
@click.option("--live", is_flag=True, help="Only what passes on the bus from now on, until it is interrupted.")
@click.option("--seconds", type=click.FloatRange(min=0.1), help="With --live: for so long.")
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    required=True,
    help="File to write, put in its place when it is whole; - for the standard output.",
)
@click.option(
    "--said",
    "golden",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Also write what the services said to it, as a golden file for `expect`.",
)
@click.pass_obj
def command(
    home: Home,
    services: tuple[str, ...],
    cases: tuple[str, ...],
    first: str | None,
    last: str | None,
    live: bool,
    seconds: float | None,
    output: Path,
    golden: Path | None,
) -> None:
    """Write what services were told, one line each, with invented people in the place of all who are named.

    Commands, events of the bus, and what was asked of intake with them. The same person is the same invented one here
    and in later recordings; nobody can tell who it was without the keys of this house. Kept are codes, times, districts
    and years of birth; of what was told in free words only the length.
    """
    if seconds and not live:
        raise Problem("--seconds says how long to listen", "give --live with it", exit_code=2)
    limits = {"first": _moment(first, "--from"), "last": _moment(last, "--to", end=True)}
    seen = _listened(home, seconds) if live else None
    wanted = Wanted(services=frozenset(services), cases=frozenset(cases), seen=seen, **limits)
    key = hmac.digest(home.key("index"), b"invented people", "sha256")
    with opened(home) as stores, Console(stderr=True).status("reading the journals"):
        stores["intake"].check_master()
        recorder = Recorder(stores, wanted, key, BlindIndex(home.key("index")))
        _write(recorder, output, golden)
    _say(recorder.tally, wanted)


def _listened(home: Home, seconds: float | None) -> frozenset[int]:
    settings = settings_of(home, "intake")
    with Console(stderr=True).status("") as shown:

        def tell(count: int | None) -> None:
            if count is None:
                click.echo(f"listening {f'for {seconds:g} s' if seconds else 'until Ctrl-C'}", err=True)
            else:
                shown.update(f"{count} events")

        return passing(settings, seconds, tell)


def _write(recorder: Recorder, output: Path, golden: Path | None) -> None:
    target = output
    try:
        if output == _STDOUT:
            write_lines(sys.stdout.buffer, recorder.lines())
        else:
            write(output, recorder.lines())
        if golden is not None:
            target = golden
            write(golden, recorder.said)
    except OSError as error:
        raise Problem(f"{target} cannot be written ({error.strerror})", "name another file") from None


def _moment(text: str | None, option: str, *, end: bool = False) -> datetime | None:
    """Return a time; of a day its beginning, or its end."""
    if text is None:
        return None
    try:
        if len(text) == len("2026-03-02"):
            return datetime.combine(date.fromisoformat(text) + timedelta(days=end), time(), CHINA)
        found = datetime.fromisoformat(text)
    except ValueError:
        found = None
    if found is None or found.tzinfo is None:
        raise Problem(
            f"{option} is neither a day nor a time with its offset",
            "write it as 2026-03-02, or as 2026-03-02T09:14:00+08:00",
            exit_code=2,
        )
    return found


def _say(tally: Tally, wanted: Wanted) -> None:
    lines = tally.lines
    if not lines:
        click.echo("nothing was recorded: nothing of it happened", err=True)
    else:
        click.echo(f"recorded: {lines['command']} commands, {lines['event']} events", err=True)
    if tally.erased:
        click.echo(f"left out: {tally.erased} erased cases, of which nobody can read anything", err=True)
    if wanted.cases and tally.beside:
        named = ", ".join(sorted(tally.beside))
        click.echo(f"other cases have to do with it, and are recorded in part: {named}", err=True)
