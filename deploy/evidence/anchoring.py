"""Makes the anchor of the day, after a look at whether the journals still hold all that was anchored before."""

from dataclasses import dataclass
from datetime import datetime

from deploy.evidence.anchor import Anchor, Anchors, check_past, day
from deploy.evidence.copies import Copies
from deploy.evidence.signer import Signer
from deploy.evidence.stamp import Authority
from deploy.evidence.walk import Walk
from deploy.problem import Problem
from deploy.stores import Store


@dataclass(slots=True, kw_only=True)
class Anchoring:
    """Anchors the journals of one house."""

    signer: Signer
    copies: Copies
    #: What counts as now.
    now: datetime
    authority: Authority | None = None
    #: Whether anchors may be signed with another key than those before.
    new_key: bool = False
    #: Why an anchor is not stamped; "" when all are that should be.
    unstamped: str = ""

    def anchor(self, store: Store, walk: Walk) -> list[Anchor]:
        """Make an anchor of a journal, unless there is one of today that holds all of it; return all, in their order.

        There are none where the journal is empty.

        Raises:
            Problem: the journal is not what was anchored before, or an anchor is not what was signed.
        """
        anchors = Anchors(store)
        known = anchors.all()
        self.copies.check(store.service, known)
        check_past(walk, known)
        last = known[-1] if known else None
        if walk.events and (last is None or last.events != walk.events or last.says["day"] != day(self.now)):
            self._check_key(last)
            last = Anchor.of(walk, last, self.signer, self.now)
            anchors.add(last)
            known.append(last)
        if last is None:
            return []
        if self.authority and not last.token and not self.unstamped:
            known[-1] = self._stamped(anchors, last, self.authority)
        self.copies.keep(store.service, known, self.signer.public)
        return known

    def _check_key(self, last: Anchor | None) -> None:
        if last and last.says["key"] != self.signer.public.hex() and not self.new_key:
            raise Problem(
                "the key is not the one with which the last anchor was signed",
                "put that one back; if it is meant to be another from now on, run `niangjia anchor --new-key`",
            )

    def _stamped(self, anchors: Anchors, anchor: Anchor, authority: Authority) -> Anchor:
        try:
            return anchors.stamp(anchor, authority.stamp(anchor.digest))
        except Problem as problem:
            self.unstamped = str(problem)
            return anchor
