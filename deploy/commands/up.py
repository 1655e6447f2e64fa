"""`niangjia up`: start what is missing."""

import click
from rich.console import Console

from deploy.commands.status import table
from deploy.home import Home
from deploy.stack import Stack


@click.command()
@click.option("--services/--no-services", default=True, help="Start the services too, not only broker and database.")
@click.option("--timeout", type=click.FloatRange(min=1), default=120, help="Seconds that it may take.")
@click.pass_obj
def command(home: Home, services: bool, timeout: float) -> None:
    """Start what is missing, and wait until all of it is well.

    With AMQP_URI or MONGO_URI set, that broker or database is used and none is started. What runs stays as it is,
    but services whose code or settings have changed are started anew.
    """
    console, stack = Console(stderr=True), Stack(home)
    with console.status("looking at what runs") as shown:
        stack.up(with_services=services, timeout=timeout, report=shown.update)
        status = stack.status()
    console.print(table(status))
