"""`niangjia demo`: the sample week, by the same commands that a person would call."""

import json
import shlex
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import click
from rich.console import Console

from deploy.home import Home
from deploy.outcomes import Outcomes
from deploy.problem import Problem
from deploy.sample import WEEK
from deploy.stores import opened
from deploy.summary import Difference, differences, summarise
from deploy.tables import case_table, notice_table, referral_table, volunteer_table

_DIFFERENCES_SHOWN = 5
_EARLIER, _REPORTS = WEEK / "earlier.jsonl", WEEK / "reports.jsonl"

_NEXT = """\
The system goes on running. To look further:
  {niangjia} status                      what runs, where
  {niangjia} doctor                      what is wrong, and what to do
  {niangjia} outcomes | head -1          what came of a report
  {niangjia} events export --service intake | head -3
  curl -H "Authorization: Bearer $({niangjia} token --role operator)" '{intake}/cases?grade=red'
  ls {outbox}                            the notices that left the house
  {niangjia} agencies add police --contract police --district 3303   lets the police subscribe
To stop it: make stop (or {niangjia} down); what is stored stays."""


@click.command()
@click.option("--timeout", type=click.FloatRange(min=1), default=180, help="Seconds until all must have finished.")
@click.pass_context
def command(context: click.Context, timeout: float) -> None:
    """Put the sample week through the system and show what came of it.

    60 volunteers, 15 earlier reports and the 127 of a week, all invented. May be called again: what is there already
    stays as it is.
    """
    home: Home = context.obj
    console = Console(highlight=False)
    _run(context, console, "volunteers", "import", str(WEEK / "volunteers.jsonl"))
    # one key comes again with another content: the first stands, the second is refused, so 1 is the code to expect
    rejects = str(home.log / "sample.rejects.ndjson")
    if _run(context, console, "ingest", "--rejects", rejects, str(_EARLIER), str(_REPORTS), codes=(0, 1)):
        console.print("A line is refused as the sample intends: it gives a known key another content.")
    _run(context, console, "drain", "--timeout", f"{timeout:g}")
    expected = list(_objects(WEEK / "expected.jsonl"))
    keys = {row["report_key"] for row in expected}
    with opened(home) as stores:
        rows = [row for row in Outcomes(stores) if row["report_key"] in keys]
    _show(console, rows)
    different = differences(expected, rows)
    _show_expectations(console, len(expected), different)
    known = {"niangjia": _program(home), "intake": home.service_url("intake"), "outbox": _short(str(home.outbox))}
    console.print(_NEXT.format(**known), markup=False, soft_wrap=True)
    context.exit(1 if different else 0)


def _run(context: click.Context, console: Console, *arguments: str, codes: Sequence[int] = (0,)) -> int:
    """Call another command as a person would, and show the call; return its exit code."""
    home: Home = context.obj
    called = f"$ {_program(home)} {shlex.join(_short(argument) for argument in arguments)}"
    console.print(called, style="dim", markup=False, soft_wrap=True)
    program = context.find_root().command
    code = program.main(["--home", str(home.root), *arguments], prog_name="niangjia", standalone_mode=False)
    if (code or 0) not in codes:
        raise Problem(f"`niangjia {arguments[0]}` did not go well", "see `niangjia doctor`")
    return int(code or 0)


def _show(console: Console, rows: Sequence[Mapping[str, Any]]) -> None:
    categories: dict[str, str | None] = {}
    for report in (*_objects(_EARLIER), *_objects(_REPORTS)):
        categories.setdefault(report["report_key"], report.get("category"))
    summary = summarise(rows, categories)
    for table in (
        case_table(summary),
        referral_table(summary),
        volunteer_table(summary),
        notice_table(summary),
    ):
        console.print()
        console.print(table)
    console.print()


def _show_expectations(console: Console, count: int, different: Sequence[Difference]) -> None:
    colour = "red" if different else "green"
    console.print(f"[{colour}]{count - len(different)} of {count}[/{colour}] reports came out as expected.jsonl says.")
    for difference in different[:_DIFFERENCES_SHOWN]:
        console.print(
            f"  {difference.report_key}: {', '.join(difference.fields) or 'nothing came of it'}", markup=False
        )
    if different[_DIFFERENCES_SHOWN:]:
        console.print(f"  and {len(different) - _DIFFERENCES_SHOWN} more")
    console.print()


def _objects(path: Path) -> Iterator[dict[str, Any]]:
    with path.open(encoding="utf-8") as lines:
        yield from (json.loads(line) for line in lines)


def _short(argument: str) -> str:
    """Return a path as it would be written from here."""
    path, here = Path(argument), Path.cwd()
    return str(path.relative_to(here)) if path.is_absolute() and path.is_relative_to(here) else argument


def _program(home: Home) -> str:
    """Return how the command line is called from here."""
    local = Path(".venv/bin/niangjia")
    name = str(local) if local.exists() else "niangjia"
    return name if home.root == Path(".niangjia").absolute() else f"{name} --home {shlex.quote(str(home.root))}"
