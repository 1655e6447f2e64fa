"""`niangjia ingest`: put reports in."""

import json
from pathlib import Path

import click

from deploy.delivery import FILES, REJECTS, TIMEOUT, Delivery
from deploy.home import Home
from deploy.sending import Sending
from shared.runtime.auth import Role


@click.command()
@FILES
@click.option(
    "--concurrency",
    type=click.IntRange(1, 64),
    default=1,
    help="Connections. With more than one, reports overtake each other.",
)
@REJECTS
@TIMEOUT
@click.option("--json", "as_json", is_flag=True, help="Print the summary as JSON.")
@click.pass_context
def command(
    context: click.Context,
    files: tuple[Path, ...],
    concurrency: int,
    rejects: Path | None,
    timeout: float,
    as_json: bool,
) -> None:
    """Put reports in, one JSON object a line, in the order of the files.

    A report that is there already is accepted again and changes nothing, so the same call can be made again. Exits
    with 1 if a line was refused.
    """
    home: Home = context.obj
    delivery = Delivery(files, rejects, same="report_id")
    sending = Sending(home, "intake", "/reports/batch", role=Role.OPERATOR, patience=timeout, say=delivery.say)
    count = delivery.through(sending, concurrency=concurrency)
    click.echo(json.dumps(count.as_json()) if as_json else count.sentence("reports"))
    context.exit(1 if count.rejected else 0)
