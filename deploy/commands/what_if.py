"""`niangjia what-if`: what would have been different under other rules, or with another version of the code."""

import json
import time
from contextlib import ExitStack
from pathlib import Path

import click
from rich.console import Console

from deploy.files import write_private
from deploy.home import Home
from deploy.problem import Problem
from deploy.recording.entry import erased
from deploy.stores import opened
from deploy.whatif.checkout import play_elsewhere
from deploy.whatif.difference import NOW, THEN, Document, difference
from deploy.whatif.page import Page
from deploy.whatif.period import Period, period
from deploy.whatif.play import play, receipts
from deploy.whatif.rules import check_in_force, other_rules, own_files
from deploy.whatif.source import from_journals, from_recording
from deploy.whatif.terminal import show
from services.feed.block import html
from shared.replay.recording import Line
from shared.runtime.settings import Reader
from shared.runtime.variables import LANGUAGES

#: Ids of cases that stand in one cell: on a terminal, in a page.
_ON_TERMINAL, _ON_PAGE = 3, 100


@click.command()
@click.option(
    "--rules",
    "files",
    type=click.Path(exists=True, path_type=Path),
    multiple=True,
    help="File of rules to try, as risk.yml, or a folder of them; the others stay as they are in force.",
)
@click.option("--period", "span", required=True, help="What to play: 2026, 2026-03, 2026-03-02 or from..to (China's).")
@click.option(
    "--against",
    "recording",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Play this recording; without, what the journals hold.",
)
@click.option(
    "--code",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Play it with the code of this checkout, beside that of this one.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON, with all cases by id.")
@click.option(
    "--html", "page", type=click.Path(dir_okay=False, path_type=Path), help="Also write a page for a browser."
)
@click.option("--language", type=click.Choice(LANGUAGES), help="Of page and table; the table is English without it.")
@click.pass_obj
def command(
    home: Home,
    files: tuple[Path, ...],
    span: str,
    recording: Path | None,
    code: Path | None,
    as_json: bool,
    page: Path | None,
    language: str | None,
) -> None:
    """Play a period again under other rules, and show what would have been different.

    What was told to the services is played twice in memory, once as the rules are in force, once as they would be: as
    if they had been changed on the first day of the period. Nothing is stored, sent or asked. Shown are grades,
    referrals, deadlines as far as agencies said what they did, volunteers and notices; cases by their ids.
    """
    if not files and not code:
        raise Problem("nothing else was given to try", "give --rules, or --code", exit_code=2)
    wanted, began = period(span), time.monotonic()
    in_force = _in_force()
    with ExitStack() as stack:
        other = stack.enter_context(other_rules(files, in_force)) if files else in_force
        stack.enter_context(Console(stderr=True).status(f"playing {wanted}"))
        lines, gone = _told(home, recording)
        document = _compared(lines, wanted, in_force, other, code)
    document |= {
        "erased": gone,
        "compared": {
            NOW: {"rules": own_files([in_force] if in_force else []), "code": None},
            THEN: {"rules": own_files(files or ([in_force] if in_force else [])), "code": str(code) if code else None},
        },
        "seconds": round(time.monotonic() - began, 1),
    }
    if page:
        _write(page, document, language or Reader().text("NIANGJIA_LANGUAGE"))
    if as_json:
        click.echo(json.dumps(document, indent=2, ensure_ascii=False))
    else:
        show(Page(document, language or "en", _ON_TERMINAL).blocks(), Console())


def _in_force() -> Path | None:
    """Return the city's own folder of rules.

    Raises:
        Problem: it is not there, or cannot be read.
    """
    named = Reader().text("NIANGJIA_RULES")
    folder = Path(named) if named else None
    if folder and not folder.is_dir():
        raise Problem(f"NIANGJIA_RULES is not a folder ({folder})", "name a folder that is there, or leave it empty")
    check_in_force(folder)
    return folder


def _told(home: Home, recording: Path | None) -> tuple[list[Line], int]:
    """Return what the services were told, and how many cases nobody can read any more."""
    if recording:
        return from_recording(recording), 0
    with opened(home) as stores:
        stores["intake"].check_master()
        return from_journals(stores), len(erased(stores["intake"]))


def _compared(
    lines: list[Line], wanted: Period, in_force: Path | None, other: Path | None, code: Path | None
) -> Document:
    now = play(lines, wanted, in_force, in_force)
    if not now.reports:
        raise Problem(f"no report came in from {wanted.first} to {wanted.last}", "choose another period")
    then = play_elsewhere(code, lines, wanted, other, in_force) if code else play(lines, wanted, other, in_force)
    period_of = {"first": str(wanted.first), "last": str(wanted.last)}
    return {"period": period_of, "refused": now.refused, **difference(now, then, receipts(lines))}


def _write(page: Path, document: Document, language: str) -> None:
    try:
        write_private(page, html(Page(document, language, _ON_PAGE).blocks(), language))
    except OSError as error:
        raise Problem(f"{page} cannot be written ({error.strerror})", "name another file with --html") from None
