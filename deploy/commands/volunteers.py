"""`niangjia volunteers`: the register of volunteers."""

import json
from pathlib import Path

import click

from deploy.delivery import FILES, REJECTS, TIMEOUT, Delivery
from deploy.home import Home
from deploy.sending import Sending
from shared.runtime.auth import Role


@click.group()
def command() -> None:
    """Keep the register of volunteers."""


@command.command("import")
@FILES
@REJECTS
@TIMEOUT
@click.option("--json", "as_json", is_flag=True, help="Print the summary as JSON.")
@click.pass_context
def import_(
    context: click.Context, files: tuple[Path, ...], rejects: Path | None, timeout: float, as_json: bool
) -> None:
    """Take volunteers into the register, one JSON object a line.

    Who is there already is brought up to date and keeps her cases. Exits with 1 if a line was refused.
    """
    home: Home = context.obj
    delivery = Delivery(files, rejects, same="volunteer_id")
    sending = Sending(home, "volunteer", "/volunteers/batch", role=Role.COORDINATOR, patience=timeout, say=delivery.say)
    count = delivery.through(sending)
    click.echo(json.dumps(count.as_json()) if as_json else count.sentence("volunteers"))
    context.exit(1 if count.rejected else 0)
