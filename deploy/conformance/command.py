"""`niangjia agencies check`: a partner tries its own consumer."""

import json
import socket
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import click
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from deploy import agreement_file
from deploy.conformance import record
from deploy.conformance.broker import Broker
from deploy.conformance.calls import Calls, new_secret
from deploy.conformance.consumer import Consumer
from deploy.conformance.feed import LocalFeed
from deploy.conformance.messages import NAME, Messages
from deploy.conformance.record import Record
from deploy.conformance.scenario import SCENARIOS, Way
from deploy.conformance.server import serving
from deploy.conformance.trial import Trial, Verdict
from deploy.files import write_private
from deploy.problem import Problem

#: How much longer than for a scenario a consumer may take to begin.
_STARTING: Final = 3


@click.command("check")
@click.option("--contract", default="police", help="The agreement whose deliveries are sent: a YAML file, or a kind.")
@click.option("--webhook", help="Where the consumer is called, if it wants to be.")
@click.option("--secret", help="The secret with which calls are signed: whsec_…; without, one is made.")
@click.option("--broker", help="A broker for tests, amqp://user:password@host/vhost, for a consumer that reads AMQP.")
@click.option("--listen", default="127.0.0.1:0", help="Where the kit's feed answers; port 0 is any that is free.")
@click.option("--token-file", type=click.Path(path_type=Path), help="Where the token is written, and the next one.")
@click.option("--only", multiple=True, type=click.Choice([one.name for one in SCENARIOS]), help="Only this scenario.")
@click.option("--patience", type=click.FloatRange(min=0.5), default=10, help="Seconds that a scenario may take.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.argument("consumer", nargs=-1, type=click.UNPROCESSED)
@click.pass_context
def check(
    context: click.Context,
    contract: str,
    webhook: str | None,
    secret: str | None,
    broker: str | None,
    listen: str,
    token_file: Path | None,
    only: tuple[str, ...],
    patience: float,
    as_json: bool,
    consumer: tuple[str, ...],
) -> None:
    """Try a consumer of your own with all that goes wrong sooner or later: niangjia agencies check -- COMMAND…

    Needs no Niangjia system. COMMAND is started with FEED_URL, FEED_TOKEN and FEED_TOKEN_FILE in its environment, and
    with WEBHOOK_SECRET, or FEED_AMQP and FEED_STREAM, where it is called or reads AMQP; without COMMAND the consumer
    runs already. It is judged by its receipts: exactly one `received` for each number, in their order.
    """
    way = Way.AMQP if broker else Way.WEBHOOK if webhook else Way.HTTP
    wanted = [one for one in SCENARIOS if way in one.ways and (not only or one.name in only)]
    seen = Record()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="niangjia-check-")))
        place = (token_file or folder / "token").absolute()
        feed = LocalFeed(NAME, seen, lambda token: write_private(place, f"{token}\n"))
        stack.enter_context(serving(feed, *_address(listen)))
        variables = {"FEED_URL": feed.url, "FEED_TOKEN": feed.token, "FEED_TOKEN_FILE": str(place)}
        if broker:
            stream = stack.enter_context(Broker(feed, broker))
            variables |= {"FEED_AMQP": stream.uri, "FEED_STREAM": stream.stream}
        calls = None
        if webhook:
            secret = secret or new_secret()
            calls = Calls(feed, webhook, secret)
            variables["WEBHOOK_SECRET"] = secret
        if not consumer:
            click.echo("waiting for the consumer; it finds the feed by these:", err=True)
            click.echo("\n".join(f"  {name}={value}" for name, value in variables.items()), err=True)
        stack.enter_context(Consumer(consumer, variables, seen))
        _wait(way, webhook, seen, patience * _STARTING)
        if calls:
            calls.start()
        trial = Trial(feed, Messages(agreement_file.read(contract).content), calls, patience)
        verdicts = [trial.run(scenario) for scenario in wanted]
    _say(verdicts, as_json=as_json)
    context.exit(0 if all(one.passed for one in verdicts) else 1)


def _wait(way: Way, webhook: str | None, seen: Record, seconds: float) -> None:
    """Return when the consumer is there.

    Raises:
        Problem: it is not, or goes on from an earlier trial.
    """
    if way is Way.WEBHOOK:
        _wait_for_port(str(webhook), seconds)
    elif way is Way.HTTP:
        seen.wait(lambda: len(seen) > 0, seconds)
        if any(one.detail == record.BEYOND for one in seen.since(0)):
            raise Problem("the consumer goes on from another feed", "let it begin with nothing stored")
        if not seen.since(0, record.ASKED):
            said = "reads with a key that is not FEED_TOKEN" if seen.since(0) else "did not ask for anything"
            raise Problem(f"the consumer {said}", "let it read FEED_URL with FEED_TOKEN; or use --webhook or --broker")


def _wait_for_port(url: str, seconds: float) -> None:
    parts = urlsplit(url)
    until = time.monotonic() + seconds
    while True:
        try:
            socket.create_connection((parts.hostname or "", parts.port or 80), 1).close()
        except OSError:
            if time.monotonic() > until:
                raise Problem(f"nobody listens at {url}", "start the consumer, or correct --webhook") from None
            time.sleep(0.1)
        else:
            return


def _address(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    if not host or not port.isdigit():
        raise click.BadParameter("write it as 127.0.0.1:8080", param_hint="--listen")
    return host, int(port)


def _say(verdicts: Sequence[Verdict], *, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps([one.as_json() for one in verdicts], indent=2, ensure_ascii=False))
        return
    table = Table(box=None, pad_edge=False)
    for title in ("scenario", "what happens", "", "what is wrong, and what to do"):
        table.add_column(title)
    for one in verdicts:
        result = "[green]passed[/green]" if one.passed else "[red]failed[/red]"
        said = "" if one.passed else f"{escape('; '.join(one.faults))}. To do: {escape(one.scenario.remedy)}"
        table.add_row(one.scenario.name, one.scenario.title, result, said)
    console = Console(highlight=False, width=None if sys.stdout.isatty() else 160)
    console.print(table)
    passed = sum(one.passed for one in verdicts)
    console.print(f"{passed} of {len(verdicts)} scenarios passed")
