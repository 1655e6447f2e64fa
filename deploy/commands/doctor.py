"""`niangjia doctor`: what is wrong, and what to do."""

import json

import click
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from deploy.checks import findings
from deploy.checks.finding import Finding
from deploy.home import Home


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_context
def command(context: click.Context, as_json: bool) -> None:
    """Say what is wrong, and what to do about it; exit with 1 if anything is.

    Changes nothing.
    """
    home: Home = context.obj
    console = Console()
    if as_json:
        found = list(findings(home))
        click.echo(json.dumps([finding.as_json() for finding in found], indent=2, ensure_ascii=False))
    else:
        with Console(stderr=True).status("looking"):
            found = list(findings(home))
        console.print(_table(found))
    wrong = sum(not finding.well for finding in found)
    if not as_json:
        console.print(f"{wrong} of {len(found)} need attention" if wrong else "all is well")
    context.exit(1 if wrong else 0)


def _table(found: list[Finding]) -> Table:
    rows = Table("", "what", "expected", "found", "what to do", box=None, pad_edge=False)
    for finding in found:
        mark = "[green]✓[/green]" if finding.well else "[red]✗[/red]"
        rows.add_row(mark, finding.name, *(escape(text) for text in (finding.expected, finding.found, finding.remedy)))
    return rows
