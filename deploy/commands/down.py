"""`niangjia down`: stop everything."""

import click
from rich.console import Console

from deploy.home import Home
from deploy.stack import Stack


@click.command()
@click.pass_obj
def command(home: Home) -> None:
    """Stop the services, then broker and database; what they stored stays."""
    console = Console(stderr=True)
    with console.status("stopping"):
        ran = Stack(home).down()
    console.print(f"stopped; the data stays in {home.root}" if ran else "nothing ran", highlight=False)
