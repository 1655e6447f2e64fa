"""`niangjia agencies`: who subscribes, to what, and with which keys."""

import json
import sys
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import click
from rich.console import Console

from deploy import agency_page, agreement_file
from deploy.agencies import Agencies, agency_user
from deploy.certificates import CLIENT_DAYS, issue
from deploy.conformance.command import check
from deploy.files import make_folder, write_private
from deploy.home import Home

_COUNTY_DIGITS = {2, 4, 6}

_JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
_AGENCY = click.argument("name")


@click.group()
def command() -> None:
    """Let agencies subscribe to what concerns them, and see what each has got."""


@command.command()
@_AGENCY
@click.option("--contract", required=True, help="The agreement: a YAML file, - for stdin, or a kind as police.")
@click.option("--district", "districts", multiple=True, required=True, help="2, 4 or 6 digits; may be given again.")
@click.option("--webhook", help="Address that is called with each delivery.")
@click.option(
    "--public-key",
    type=click.Path(path_type=Path),
    help="The agency's public key (JWK or PEM): identity travels sealed to it.",
)
@click.option("--sandbox", is_flag=True, help="It gets invented events only, to develop with.")
@click.option("--no-stream", is_flag=True, help="It gets no stream at the broker.")
@click.option(
    "--federation", metavar="BROKER", help="Cluster name of its own RabbitMQ, which may take the events over."
)
@_JSON
@click.pass_obj
def add(
    home: Home,
    name: str,
    contract: str,
    districts: tuple[str, ...],
    webhook: str | None,
    public_key: Path | None,
    sandbox: bool,
    no_stream: bool,
    federation: str | None,
    as_json: bool,
) -> None:
    """Let an agency subscribe, and print its secrets, which nobody can read again.

    The agreement says what it gets; what it does not grant is refused. It is checked against the catalogue of events
    before anything is added.
    """
    for district in districts:
        if not (district.isascii() and district.isdigit() and len(district) in _COUNTY_DIGITS):
            raise click.BadParameter("use the 2, 4 or 6 digits of a place", param_hint="--district")
    form = {
        "name": name,
        "districts": list(dict.fromkeys(districts)),
        "webhook": webhook,
        "public_key": _public_key(public_key),
        "sandbox": sandbox,
        "stream": not no_stream,
        "federation": federation,
    }
    _say_secrets(name, Agencies(home).add(form, agreement_file.read(contract)), as_json=as_json)


@command.command()
@click.argument("name", required=False)
@_JSON
@click.pass_obj
def show(home: Home, name: str | None, as_json: bool) -> None:
    """Show who subscribes and how far each has come; of one also its agreement in words."""
    agencies = Agencies(home)
    if name is None:
        found = agencies.all()
        if as_json:
            click.echo(json.dumps(found, indent=2, ensure_ascii=False))
        else:
            _print(agency_page.table(found) if found else "there are none; see `niangjia agencies add --help`")
        return
    one = agencies.one(name)
    if as_json:
        click.echo(json.dumps(one, indent=2, ensure_ascii=False))
        return
    _print(agency_page.table([one]))
    click.echo("\n".join(["", *agency_page.agreement(one["agreement"])]))


@command.command()
@_AGENCY
@click.option("--resume", is_flag=True, help="Let it receive and read again.")
@click.pass_obj
def suspend(home: Home, name: str, resume: bool) -> None:
    """Let an agency receive nothing and read nothing, by none of the ways, until it is resumed."""
    Agencies(home).suspend(name, suspended=not resume)
    click.echo(f"{name} is active again" if resume else f"{name} is suspended")


@command.command("rotate-keys")
@_AGENCY
@click.option("--now", is_flag=True, help="End the old ones at once, as after a loss.")
@_JSON
@click.pass_obj
def rotate_keys(home: Home, name: str, now: bool, as_json: bool) -> None:
    """Print new secrets of an agency, which nobody can read again.

    The old token and the old secret of the webhook count for one more day; the old password of the broker ends now.
    """
    _say_secrets(name, Agencies(home).rotate_keys(name, now=now), as_json=as_json)


@command.command()
@_AGENCY
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.pass_obj
def remove(home: Home, name: str, yes: bool) -> None:
    """End a subscription for good: its keys, its user at the broker, its stream. What it got stays on record."""
    if not yes and not sys.stdin.isatty():
        raise click.UsageError("Nobody can be asked here; use --yes.")
    agencies = Agencies(home)
    one = agencies.one(name)
    if not yes:
        click.confirm(f"Remove {name}, which has got {one['last']} deliveries, for good?", abort=True, err=True)
    agencies.remove(name)
    click.echo(f"{name} is removed")


@command.command()
@_AGENCY
@click.option("--from", "first", type=click.IntRange(min=1), help="Number of the first delivery.")
@click.option("--since", help="Or: what happened since then, as 2026-03-02T09:00:00+08:00.")
@click.option("--to", "last", type=click.IntRange(min=1), help="Number of the last delivery; without, to the end.")
@click.pass_obj
def replay(home: Home, name: str, first: int | None, since: str | None, last: int | None) -> None:
    """Deliver again, under new numbers and marked as a replay, what the agreement of today still allows."""
    if (first is None) == (since is None):
        raise click.UsageError("Say where to begin, by --from or by --since.")
    span: Mapping[str, Any] = {"from": first} if first is not None else {"since": _moment(str(since))}
    done = Agencies(home).replay(name, {**span, **({"to": last} if last is not None else {})})
    click.echo(f"{done['sent']} delivered again; the last number is {done['last']} now")


@command.command()
@_AGENCY
@click.option("--case", "case_id", help="Only what is about this case.")
@_JSON
@click.pass_obj
def deliveries(home: Home, name: str, case_id: str | None, as_json: bool) -> None:
    """Show the record of what an agency got: each delivery with its hash and its receipts, no content."""
    found = Agencies(home).deliveries(name, case_id)
    if as_json:
        for one in found:
            click.echo(json.dumps(one, ensure_ascii=False))
        return
    rows = list(found)
    _print(agency_page.deliveries(rows) if rows else "nothing was delivered")


@command.command()
@_AGENCY
@click.option("--out", type=click.Path(path_type=Path), required=True, help="Folder for the three files.")
@click.option("--days", type=click.IntRange(1, 3650), default=CLIENT_DAYS, help="How long it is good.")
@click.pass_obj
def certificate(home: Home, name: str, out: Path, days: int) -> None:
    """Write a certificate by which an agency gets in at the broker instead of by its password, and its key.

    It is good as long as the agency has a stream, at most for so many days. The key is kept nowhere else.
    """
    user = agency_user(home.namespace, name)
    issued = issue(home, user, days)
    make_folder(out)
    for file, content in (("key", issued.key), ("pem", issued.certificate)):
        write_private(out / f"{name}.{file}", content)
    write_private(out / "authority.pem", issued.authority, mode=0o644)
    click.echo(f"{out / name}.pem and .key let in as {user}; authority.pem tells the broker from others")


@command.command()
@_AGENCY
@click.option("--on", is_flag=True, required=True, expose_value=False, help="Call it again.")
@click.pass_obj
def webhook(home: Home, name: str) -> None:
    """Call a webhook again that was given up, beginning with the delivery that it did not take."""
    Agencies(home).call_again(name)
    click.echo(f"{name} is called again")


@command.command()
@_AGENCY
@click.option(
    "--speed",
    type=click.FloatRange(min=0),
    default=0,
    help="How many seconds of the week pass in one second; 0 for all at once.",
)
@click.pass_obj
def rehearse(home: Home, name: str, speed: float) -> None:
    """Put the events of the sample week through a sandbox, and through nobody else.

    They are the same each time, under new numbers. People whom the agency asks for are invented, too.
    """
    from deploy.rehearsal import rehearse as put  # loads the models of other services

    sent, last = put(home, name, speed, lambda said: click.echo(said, err=True))
    click.echo(f"{name} has heard of {sent} events; the number of its last delivery is {last}")


command.add_command(check)


def _public_key(path: Path | None) -> dict[str, Any] | None:
    if path is None:
        return None
    from deploy import public_key  # loads what only this option needs

    return public_key.read(path)


def _moment(text: str) -> str:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise click.BadParameter("write a time with its offset, as 2026-03-02T09:00:00+08:00", param_hint="--since")
    return moment.isoformat()


def _say_secrets(name: str, shown: Mapping[str, Any], *, as_json: bool) -> None:
    click.echo(json.dumps(shown) if as_json else agency_page.secrets(name, shown))


def _print(what: Any) -> None:
    Console(highlight=False).print(what)
