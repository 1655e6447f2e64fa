"""`niangjia anchor`: sign what the journals are today."""

import json
from datetime import UTC, datetime

import click
from rich.console import Console

from deploy.evidence.anchor import Anchor
from deploy.evidence.anchoring import Anchoring
from deploy.evidence.copies import Copies
from deploy.evidence.signer import Signer
from deploy.evidence.stamp import Authority
from deploy.evidence.walk import Walk
from deploy.home import Home
from deploy.stores import opened
from shared.runtime.settings import Reader, address
from shared.runtime.variables import SERVICES


@click.command()
@click.option("--tsa", help="Have each anchor stamped by this authority (RFC 3161); otherwise by NIANGJIA_TSA_URL.")
@click.option("--new-key", is_flag=True, help="Sign with another key than before, from now on.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_context
def command(context: click.Context, tsa: str | None, new_key: bool, as_json: bool) -> None:
    """Sign what each journal is today: how many events it has, and a hash of all of them. To be called every day.

    First it looks whether the journals still hold all that was anchored before; when one does not, it says since when
    and signs nothing more. Copies go to NIANGJIA_ANCHORS: whoever keeps one can prove every later change. Called again
    on the same day it makes another only where something has happened since.
    """
    home: Home = context.obj
    anchoring = Anchoring(
        signer=Signer.of(home),
        copies=Copies(home.anchors),
        now=datetime.now(UTC),
        authority=authority(tsa),
        new_key=new_key,
    )
    made: dict[str, Anchor] = {}
    with opened(home) as stores, Console(stderr=True).status("") as shown:
        for service in SERVICES:
            shown.update(f"reading the journal of {service}")
            walk = Walk(stores[service])
            walk.go()
            if anchors := anchoring.anchor(stores[service], walk):
                made[service] = anchors[-1]
    if as_json:
        click.echo(json.dumps(_document(anchoring, made), indent=2))
    else:
        _say(anchoring, made, home)
    if anchoring.unstamped:
        click.echo(f"niangjia: the anchors are made, but not all are stamped: {anchoring.unstamped}", err=True)
    context.exit(1 if anchoring.unstamped else 0)


def authority(url: str | None) -> Authority | None:
    """Return the time-stamping authority that is named, or that the settings name, if any."""
    url = url or Reader().text("NIANGJIA_TSA_URL", address("http", "https"))
    return Authority(url) if url else None


def _document(anchoring: Anchoring, made: dict[str, Anchor]) -> dict[str, object]:
    services = {
        service: {
            "number": anchor.number,
            "day": anchor.says["day"],
            "events": anchor.events,
            "root": anchor.says["root"],
            "stamped": anchor.token is not None,
        }
        for service, anchor in made.items()
    }
    signer = anchoring.signer
    return {"key": signer.public.hex(), "fingerprint": signer.fingerprint, "services": services}


def _say(anchoring: Anchoring, made: dict[str, Anchor], home: Home) -> None:
    for service, anchor in made.items():
        stamped = ", stamped" if anchor.token else ""
        click.echo(f"{service}: anchor {anchor.number} of {anchor.says['day']}, {anchor.events} events{stamped}")
    click.echo(f"signed with the key {anchoring.signer.fingerprint}")
    click.echo(f"copies are in {home.anchors}")
