"""Puts an evidence bundle together: all that the journals say of one case, with proof that it is all and as it was."""

import json
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256
from itertools import pairwise
from typing import Any

from deploy.evidence import verify_bundle as form
from deploy.evidence.anchor import Anchor
from deploy.evidence.readme import TEXT
from deploy.evidence.signer import Signer
from deploy.evidence.walk import Line, Walk

CLOSED, OPENED = "closed", "opened"


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """Sealed content that is opened in a bundle, and why."""

    purpose: str
    reason: str
    #: Reports by the numbers of intake's events.
    reports: Mapping[int, Any]


@dataclass(slots=True, kw_only=True)
class BundleMaker:
    """Takes in one journal after the other, and packs."""

    case: str
    by: str
    at: datetime
    signer: Signer
    parts: dict[str, bytes] = field(default_factory=dict)
    services: dict[str, Any] = field(default_factory=dict)
    _lines: list[Line] = field(default_factory=list)

    def take(self, walk: Walk, anchors: Sequence[Anchor]) -> None:
        """Take what a journal says of the case."""
        service = walk.service
        self.services[service] = {"lines": len(walk.lines)}
        if not walk.lines:
            return
        covering = [_first_after(line["event"], anchors) for line in walk.lines]
        used = sorted({anchor.number: anchor for anchor in (*covering, anchors[-1])}.items())
        chosen = [anchor for _, anchor in used]
        self.services[service] |= {"events": anchors[-1].events, "anchors": [anchor.number for anchor in chosen]}
        self.parts[f"journal/{service}.ndjson"] = _ndjson(walk.lines)
        self.parts[f"anchors/{service}.ndjson"] = b"".join(anchor.line + b"\n" for anchor in chosen)
        self.parts[f"proofs/{service}.json"] = form.canonical(_proofs(walk, covering, chosen, self.case)) + b"\n"
        for anchor in chosen:
            if anchor.token:
                self.parts[f"anchors/{service}-{anchor.number}.tst"] = anchor.token
        self._lines += walk.lines

    def packed(self, opening: Opening | None = None) -> bytes:
        """Return the bundle."""
        lines = sorted(self._lines, key=lambda line: (line["service"], line["event"]))
        parts = {**self.parts, form.README: TEXT.encode(), form.KEY: form.pem(self.signer.public)}
        parts |= {name: form.view(name, lines) for name in form.VIEWS}
        if opening:
            parts["opened/intake.ndjson"] = _ndjson(_opened(opening, lines))
        manifest = {
            "format": form.FORMAT,
            "case": self.case,
            "made_by": self.by,
            "made_at": self.at.astimezone(UTC).isoformat(timespec="seconds"),
            "content": OPENED if opening else CLOSED,
            "purpose": opening.purpose if opening else "",
            "reason": opening.reason if opening else "",
            "key": self.signer.public.hex(),
            "services": self.services,
            "parts": {
                name: {"bytes": len(content), "sha256": sha256(content).hexdigest()} for name, content in parts.items()
            },
        }
        raw = json.dumps(manifest, ensure_ascii=False, indent=1, sort_keys=True).encode() + b"\n"
        signature = self.signer.sign(form.MANIFEST_CONTEXT + raw).encode() + b"\n"
        return form.packed({**parts, form.MANIFEST: raw, form.SIGNATURE: signature})


def _proofs(walk: Walk, covering: Sequence[Anchor], chosen: Sequence[Anchor], case: str) -> dict[str, Any]:
    index, count, last, salt = walk.counted(case)
    return {
        "lines": [
            {
                "event": line["event"],
                "anchor": anchor.number,
                "path": _hex(walk.tree.inclusion(line["event"] - 1, anchor.events)),
            }
            for line, anchor in zip(walk.lines, covering, strict=True)
        ],
        "growth": [
            {
                "from": one.number,
                "to": other.number,
                "path": _hex(walk.tree.growth(one.events, other.events)),
            }
            for one, other in pairwise(chosen)
        ],
        "case": {
            "index": index,
            "count": count,
            "last": last,
            "salt": salt,
            "path": _hex(walk.cases.inclusion(index, len(walk.cases))),
        },
    }


def _first_after(event: int, anchors: Sequence[Anchor]) -> Anchor:
    """Return the first anchor that holds an event: the oldest witness."""
    return anchors[bisect_left(anchors, event, key=lambda anchor: anchor.events)]


def _opened(opening: Opening, lines: Sequence[Line]) -> list[dict[str, Any]]:
    return [
        {"event": line["event"], "sealed": line["sealed"], "report": opening.reports[line["event"]]}
        for line in lines
        if line["service"] == "intake" and line["event"] in opening.reports
    ]


def _ndjson(rows: Sequence[Mapping[str, Any]]) -> bytes:
    return b"".join(form.canonical(row) + b"\n" for row in rows)


def _hex(path: Sequence[bytes]) -> list[str]:
    return [one.hex() for one in path]
