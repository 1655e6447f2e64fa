"""`niangjia outcomes`: what came of every report."""

import json
import sys

import click

from deploy.home import Home
from deploy.outcomes import Outcomes
from deploy.stores import opened


@click.command()
@click.pass_obj
def command(home: Home) -> None:
    """Print what came of every report, one JSON object a line.

    In order of receipt, then of arrival; in the form of the sample week's expected.jsonl. Read from what the services
    have stored: run `niangjia drain` first, so that all has come.
    """
    with opened(home) as stores:
        for row in Outcomes(stores):
            sys.stdout.buffer.write(f"{json.dumps(row, ensure_ascii=False)}\n".encode())
