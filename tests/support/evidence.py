"""Journals in memory, anchored on several days, and the bundles that the command line would make of them."""

import json
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from io import BytesIO
from typing import Any

from deploy.evidence import verify_bundle as form
from deploy.evidence.anchor import Anchor
from deploy.evidence.bundle import BundleMaker, Opening
from deploy.evidence.signer import Signer
from deploy.evidence.walk import Walk
from shared.kernel import Fact, Message, identifier
from shared.privacy import Key
from shared.runtime.journal import Head, Journal
from shared.runtime.keyring import KeyRing

NOON = datetime(2026, 3, 2, 4, tzinfo=UTC)
DAY = timedelta(days=1)
SIGNER = Signer(bytes(range(32)))
#: Somebody else's.
STRANGER = Signer(bytes(range(1, 33)))
TYPES = {
    "intake": ("report.received", "risk.assessed", "identity.disclosed"),
    "feed": ("delivery.made", "receipt.recorded"),
    "referral": ("referral.requested",),
}


def case(name: str) -> str:
    """Return the id of the case called `name`."""
    return identifier(NOON, name)


@dataclass(slots=True)
class Written:
    """The journal of one service, as `Walk` reads it."""

    service: str
    entries: list[dict[str, Any]] = field(default_factory=list)
    #: By the end of each day.
    anchors: list[Anchor] = field(default_factory=list)

    @property
    def journal(self) -> "Written":
        return self

    @property
    def settings(self) -> "Written":
        return self

    def key(self, name: str) -> bytes:
        return sha256(name.encode()).digest()

    def after(self, sequence: int) -> Iterator[dict[str, Any]]:
        return iter(self.entries)

    def write(self, *cases: str, at: datetime = NOON) -> None:
        """Add an entry with an event of each of these cases."""
        nowhere: Any = {"journal": None, "keys": None}
        journal = Journal(nowhere, self.service, KeyRing(nowhere, self.service, Key(bytes(32))))
        last = self.entries[-1] if self.entries else None
        head = Head(last["_id"] + last["n"] - 1, last["hash"]) if last else Head()
        types = TYPES[self.service]
        facts = [
            Fact(
                type=types[(head.sequence + n) % len(types)],
                subject=case(name),
                case=case(name) if name else "",
                time=at,
                data={"case_id": case(name), "n": head.sequence + n, "said": "转介"},
                private={"report": {"narrative": f"{name} {n}"}} if (head.sequence + n) % 2 == 0 else {},
            )
            for n, name in enumerate(cases)
        ]
        message = Message(id=f"m{head.sequence}", type="x", time=at, data={})
        self.entries.append(journal.entry(head, message, facts, at))

    def walk(self, wanted: str = "") -> Walk:
        walk = Walk(self, wanted)  # type: ignore[arg-type]
        walk.go()
        return walk

    def anchor(self, at: datetime, signer: Signer = SIGNER) -> None:
        """Anchor what is written."""
        before = self.anchors[-1] if self.anchors else None
        self.anchors.append(Anchor.of(self.walk(), before, signer, at))


def house() -> dict[str, Written]:
    """Return the journals of three services: `her` has lines in two of them, on several days and beside others."""
    journals = {name: Written(name) for name in TYPES}
    intake, feed = journals["intake"], journals["feed"]
    days: Sequence[Sequence[tuple[str, ...]]] = (
        [("his",), ("her", "his"), ("other",)],
        [("other",), ("", "her")],
        [("his", "other", "his")],
        [("her", "her", "his"), ("other",)],
    )
    for n, entries in enumerate(days):
        for names in entries:
            intake.write(*names, at=NOON + n * DAY)
            feed.write(names[-1], at=NOON + n * DAY)
        journals["referral"].write("other", at=NOON + n * DAY)
        for journal in journals.values():
            journal.anchor(NOON + n * DAY)
    return journals


def made(
    journals: Mapping[str, Written], wanted: str = case("her"), signer: Signer = SIGNER, opening: Opening | None = None
) -> bytes:
    """Return the bundle of a case."""
    maker = BundleMaker(case=wanted, by="李某", at=NOON + 4 * DAY, signer=signer)
    for journal in journals.values():
        maker.take(journal.walk(wanted), journal.anchors)
    return maker.packed(opening)


def parts_of(raw: bytes) -> dict[str, bytes]:
    """Return the parts of a bundle, read by a program that is not ours."""
    with zipfile.ZipFile(BytesIO(raw)) as archive:
        assert archive.testzip() is None
        return {name: archive.read(name) for name in archive.namelist()}


def packed_again(parts: Mapping[str, bytes], signer: Signer | None = None) -> bytes:
    """Return a bundle of other parts, its manifest made to fit them; signed anew by who has a key."""
    manifest = json.loads(parts[form.MANIFEST])
    inner = {name: part for name, part in parts.items() if name not in (form.MANIFEST, form.SIGNATURE)}
    manifest["parts"] = {name: {"bytes": len(part), "sha256": sha256(part).hexdigest()} for name, part in inner.items()}
    if signer:
        manifest["key"] = signer.public.hex()
        inner[form.KEY] = form.pem(signer.public)
        manifest["parts"][form.KEY]["sha256"] = sha256(inner[form.KEY]).hexdigest()
    raw = json.dumps(manifest, ensure_ascii=False, indent=1, sort_keys=True).encode() + b"\n"
    signature = parts[form.SIGNATURE]
    if signer:
        signature = signer.sign(form.MANIFEST_CONTEXT + raw).encode() + b"\n"
    return form.packed({**inner, form.MANIFEST: raw, form.SIGNATURE: signature})


def found(raw: bytes, *keys: bytes) -> list[str]:
    """Return the codes of what the verifier finds wrong."""
    bundle = form.Bundle(raw, keys)
    whole = bundle.check()
    assert whole is not bool(bundle.faults)
    for language in form.LANGUAGES:
        assert all(form.report(bundle, language))
    return [code for code, _ in bundle.faults]


def said(raw: bytes, *keys: bytes, language: str = "en") -> str:
    """Return what the verifier says."""
    bundle = form.Bundle(raw, keys)
    bundle.check()
    return "\n".join(form.report(bundle, language))
