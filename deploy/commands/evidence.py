"""`niangjia evidence`: all that is recorded of one case, with proof."""

import getpass
import json
import re
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

import click
from rich.console import Console

from deploy.commands.anchor import authority
from deploy.evidence import opening, verify_bundle
from deploy.evidence.anchor import Anchor
from deploy.evidence.anchoring import Anchoring
from deploy.evidence.bundle import BundleMaker, Opening
from deploy.evidence.copies import Copies
from deploy.evidence.signer import Signer
from deploy.evidence.walk import Walk
from deploy.files import write_private
from deploy.home import Home
from deploy.problem import Problem
from deploy.stores import Stores, opened
from services.intake.schemas import FILE_PURPOSES, ID
from shared.runtime.variables import SERVICES

_LONGEST = 200


@click.command()
@click.argument("case")
@click.option(
    "-o",
    "--output",
    required=True,
    type=click.Path(dir_okay=False, path_type=Path),
    help="File to write, readable by its owner alone; - for the standard output.",
)
@click.option("--by", default=getpass.getuser, show_default="your login", help="Who makes it; stands in the bundle.")
@click.option("--open", "is_open", is_flag=True, help="With what was reported. Intake writes it down as opened.")
@click.option("--purpose", type=click.Choice(FILE_PURPOSES), help="For what it is opened.")
@click.option(
    "--reason", default="", help="Why it is opened, as the number of the court's order; stands in the bundle."
)
@click.option("--with-reporter", is_flag=True, help="Also who reported, where somebody else than the client did.")
@click.option("--tsa", help="Have today's anchors stamped by this authority (RFC 3161); otherwise by NIANGJIA_TSA_URL.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_obj
def command(
    home: Home,
    case: str,
    output: Path,
    by: str,
    is_open: bool,
    purpose: str | None,
    reason: str,
    with_reporter: bool,
    tsa: str | None,
    as_json: bool,
) -> None:
    """Put all that the journals say of a case into one file, with proof that it is all, and as it was written.

    The proof needs nothing of other cases: signed anchors of the journals (see `niangjia anchor`; those of today are
    made), and for each line its path to the first of them. What is sealed is there as a hash only, unless it is opened.
    Whoever has deploy/evidence/verify_bundle.py checks it, without this system and without a network.
    """
    _check_asked(case, by, reason, purpose, is_open=is_open, with_reporter=with_reporter)
    signer, now = Signer.of(home), datetime.now(UTC)
    anchoring = Anchoring(signer=signer, copies=Copies(home.anchors), now=now, authority=authority(tsa))
    maker = BundleMaker(case=case, by=by, at=now, signer=signer)
    with opened(home) as stores:
        if is_open and purpose:
            stores["intake"].check_master()
            opening.write_down(home, case, purpose, by)
        walks, anchors = _taken(stores, maker, anchoring)
        content = None
        if is_open and purpose:
            found = opening.reports(stores["intake"], walks["intake"].lines, with_reporter=with_reporter)
            content = Opening(purpose=purpose, reason=reason, reports=found)
    raw = maker.packed(content)
    _check_made(raw, anchors)
    _write(raw, output)
    if anchoring.unstamped:
        click.echo(f"niangjia: the anchors of today are not all stamped: {anchoring.unstamped}", err=True)
    if output.name != "-":
        _say(_document(raw, output, maker, signer), as_json=as_json)


def _check_asked(case: str, by: str, reason: str, purpose: str | None, *, is_open: bool, with_reporter: bool) -> None:
    if not re.fullmatch(ID, case):
        raise Problem("that is not the id of a case", "give it as 019caab0-80e0-7a94-afe7-39ba35ab4109", exit_code=2)
    if is_open != bool(purpose) or is_open != bool(reason.strip()):
        raise Problem(
            "what is sealed is opened for a purpose and a reason", "give --open, --purpose and --reason", exit_code=2
        )
    if with_reporter and not is_open:
        raise Problem("who reported is sealed", "give --open, too", exit_code=2)
    if not by.strip() or max(len(by), len(reason)) > _LONGEST:
        raise Problem(f"--by and --reason take up to {_LONGEST} characters", "say it shorter", exit_code=2)


def _taken(
    stores: Stores, maker: BundleMaker, anchoring: Anchoring
) -> tuple[Mapping[str, Walk], Mapping[str, Sequence[Anchor]]]:
    walks, anchors = {}, {}
    with Console(stderr=True).status("") as shown:
        for service in SERVICES:
            shown.update(f"reading the journal of {service}")
            walk = walks[service] = Walk(stores[service], maker.case)
            walk.go()
            anchors[service] = anchoring.anchor(stores[service], walk)
            maker.take(walk, anchors[service])
    if not any(walk.lines for walk in walks.values()):
        raise Problem("no journal knows a case with this id", "look it up in intake: GET /cases")
    return walks, anchors


def _check_made(raw: bytes, anchors: Mapping[str, Sequence[Anchor]]) -> None:
    """Check the bundle as its reader will."""
    keys = {bytes.fromhex(anchor.says["key"]) for some in anchors.values() for anchor in some}
    bundle = verify_bundle.Bundle(raw, sorted(keys))
    if not bundle.check():
        raise Problem(
            f"what was put together does not hold: {verify_bundle.told(bundle.faults[0], 'en')}",
            "nothing was written; see `niangjia verify`",
        )


def _write(raw: bytes, output: Path) -> None:
    if output.name == "-":
        sys.stdout.buffer.write(raw)
        return
    try:
        write_private(output, raw)
    except OSError as error:
        raise Problem(f"{output} cannot be written ({error.strerror})", "name another file with --output") from None


def _document(raw: bytes, output: Path, maker: BundleMaker, signer: Signer) -> dict[str, Any]:
    return {
        "file": str(output),
        "case": maker.case,
        "bytes": len(raw),
        "sha256": sha256(raw).hexdigest(),
        "lines": {service: about["lines"] for service, about in maker.services.items()},
        "key": signer.public.hex(),
        "fingerprint": signer.fingerprint,
    }


def _say(document: Mapping[str, Any], *, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(document, indent=2, ensure_ascii=False))
        return
    lines = ", ".join(f"{count} of {service}" for service, count in document["lines"].items() if count)
    click.echo(f"{document['file']}: {document['bytes']} bytes; lines: {lines}")
    click.echo(f"signed with the key {document['fingerprint']}")
