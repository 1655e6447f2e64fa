"""Anchors: what a journal was at a moment, in a few signed lines. Who has one finds every later change of what was."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from hashlib import sha256
from typing import Any, Self

from pymongo.errors import DuplicateKeyError

from deploy.evidence.signer import Signer, is_signed
from deploy.evidence.verify_bundle import anchor_content, canonical, read_signature
from deploy.evidence.walk import Walk
from deploy.problem import Problem
from deploy.stores import Store
from shared.rules.china_time import CHINA
from shared.runtime.database import Document

_NOTHING_BEFORE = "0" * 64


@dataclass(frozen=True)
class Anchor:
    """One anchor of one service."""

    #: As it is signed and kept: JSON, one line.
    line: bytes
    #: The token of a time-stamping authority for it.
    token: bytes | None = None

    @cached_property
    def says(self) -> Mapping[str, Any]:
        """What stands in it."""
        content: Mapping[str, Any] = json.loads(self.line)
        return content

    @property
    def number(self) -> int:
        """Its place among the anchors of its service, from 1."""
        return int(self.says["number"])

    @property
    def events(self) -> int:
        """How many events the journal had."""
        return int(self.says["events"])

    @property
    def digest(self) -> bytes:
        """Its hash: what is stamped, and what the next one names."""
        return sha256(self.line).digest()

    @property
    def is_signed(self) -> bool:
        """Whether the key that it names has signed it."""
        return is_signed(
            bytes.fromhex(self.says["key"]), anchor_content(self.says), read_signature(self.says["signature"])
        )

    @classmethod
    def of(cls, walk: Walk, before: Self | None, signer: Signer, now: datetime) -> Self:
        """Return the anchor of a journal as a walk has found it."""
        cases = walk.cases
        content: dict[str, Any] = {
            "service": walk.service,
            "number": before.number + 1 if before else 1,
            "day": day(now),
            "at": now.astimezone(UTC).isoformat(timespec="seconds"),
            "events": walk.events,
            "root": walk.tree.root(walk.events).hex(),
            "cases": len(cases),
            "cases_root": cases.root(len(cases)).hex(),
            "head": walk.head.hash.hex(),
            "previous": before.digest.hex() if before else _NOTHING_BEFORE,
            "key": signer.public.hex(),
        }
        return cls(canonical({**content, "signature": signer.sign(anchor_content(content))}))


class Anchors:
    """The anchors of one service, in its database."""

    def __init__(self, store: Store) -> None:
        self.service = store.service
        self._rows = store.database["anchors"]

    def all(self) -> list[Anchor]:
        """Return all of them, in their order.

        Raises:
            Problem: one was changed or removed.
        """
        found = [_read(row) for row in self._rows.find().sort("_id", 1)]
        before = _NOTHING_BEFORE
        for number, anchor in enumerate(found, 1):
            says = anchor.says if anchor else {}
            right = anchor is not None and says.get("number") == number and says.get("service") == self.service
            if anchor is None or not right or says["previous"] != before or not anchor.is_signed:
                wrong = f"anchor {number} of {self.service} is not as it was signed"
                raise Problem(
                    f"{wrong}: it, or one before, was changed or removed", "compare with the copies of the anchors"
                )
            before = anchor.digest.hex()
        return [anchor for anchor in found if anchor]

    def add(self, anchor: Anchor) -> None:
        """Keep a new one.

        Raises:
            Problem: somebody else has just made one.
        """
        row: Document = {"_id": anchor.number, "line": anchor.line.decode(), "token": anchor.token}
        try:
            self._rows.insert_one(row)
        except DuplicateKeyError:
            raise Problem(f"{self.service} is being anchored by somebody else", "call it again") from None

    def stamp(self, anchor: Anchor, token: bytes) -> Anchor:
        """Keep the token of an anchor, and return the anchor with it."""
        self._rows.update_one({"_id": anchor.number}, {"$set": {"token": token}})
        return Anchor(anchor.line, token)


def check_past(walk: Walk, anchors: Sequence[Anchor]) -> None:
    """Let pass when a journal still holds all that its anchors say it held.

    Raises:
        Problem: it does not; says since when.
    """
    before = 0
    for anchor in anchors:
        journal, when = f"the journal of {walk.service}", f"anchor {anchor.number} of {anchor.says['day']}"
        if anchor.events > walk.events:
            wrong = f"{journal} ends at {walk.events}, but {when} has seen {anchor.events}: it was cut off"
            raise Problem(wrong, "see `niangjia verify`")
        if walk.tree.root(anchor.events).hex() != anchor.says["root"]:
            wrong = f"{journal} was changed after {when}, somewhere between events {before + 1} and {anchor.events}"
            raise Problem(wrong, "compare it with a copy from before")
        before = anchor.events


def day(now: datetime) -> str:
    """Return the day of a moment in China."""
    return now.astimezone(CHINA).date().isoformat()


def _read(row: Document) -> Anchor | None:
    try:
        anchor = Anchor(row["line"].encode(), row.get("token"))
        return anchor if canonical(anchor.says) == anchor.line and read_signature(anchor.says["signature"]) else None
    except (KeyError, TypeError, ValueError, AttributeError):
        return None
