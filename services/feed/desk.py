"""What operators see of the agencies, and how they let something be delivered again."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from services.feed import tries
from services.feed.agency import Agency, Webhook
from services.feed.cursor import Cursors
from services.feed.delivery import Delivery, delivery_id
from services.feed.enrolment import command
from services.feed.ledger import first_since
from services.feed.model import REPLAY
from shared.kernel import NotFound
from shared.rules import iso
from shared.runtime.problem import Fault, Invalid
from shared.runtime.work import UnitOfWork

#: Deliveries on a page, unless somebody asks for fewer.
PAGE: Final = 500
#: Deliveries that may be asked for again at once.
MOST_REPLAYED: Final = 10_000
#: After every number of an agency, before every other agency.
_AFTER_ALL: Final = ".~"


class Desk:
    """The agencies as stored, for those who look after them."""

    def __init__(self, work: UnitOfWork) -> None:
        self._work = work
        self._states = work.unit.states
        self._cursors = Cursors(work.database)

    def agency(self, name: str) -> Agency:
        """Return an agency.

        Raises:
            NotFound: there is none of this name.
        """
        found: Agency | None = self._states.find_one("agency", name)
        if found is None:
            raise NotFound("agency-unknown", "there is no agency with this name", field="name")
        return found

    def agencies(self) -> list[Agency]:
        """Return all agencies by their names."""
        return self._states.find("agency", {}, 10_000, oldest_first=True)

    def shown(self, agency: Agency) -> dict[str, Any]:
        """Return an agency without its secrets."""
        receipt = self._last_receipt(agency)
        return {
            "name": agency.id,
            "kind": agency.kind,
            "districts": list(agency.districts),
            "status": agency.status.value,
            "opened_at": iso(agency.opened_at),
            "last": agency.last,
            "sandbox": agency.sandbox,
            "federation": agency.private.federated_to or None,
            "sealed": agency.private.public_key is not None,
            "stream": {"number": self._cursors.get("stream", agency.id).number} if agency.stream else None,
            "webhook": self._webhook(agency),
            "last_receipt": receipt,
            "agreement": agency.private.agreement,
        }

    def record(self, agency: Agency, query: Mapping[str, str]) -> dict[str, Any]:
        """Return deliveries of an agency in their order, page by page; of one case where one is named."""
        limit = int(query.get("limit", PAGE))
        wanted: dict[str, Any] = {"_id": _after(agency.id, int(query.get("after", 0)))}
        if case_id := query.get("case_id"):
            wanted["keys"] = f"case {case_id}"
        found: list[Delivery] = self._states.find("delivery", wanted, limit + 1, oldest_first=True)
        more = len(found) > limit
        return {
            "deliveries": [_line(one) for one in found[:limit]],
            "next": found[limit - 1].number if more else None,
        }

    def replay(self, agency: Agency, span: Mapping[str, Any]) -> dict[str, Any]:
        """Deliver again what an agency got, as far as the agreement of today grants it.

        Args:
            span: {"from", "to"} by number (`to` may be missing), or {"since"} by the time at which it happened.

        Raises:
            Invalid: the span names neither or both, or too much at once.
            Conflict: the agency is not active.
        """
        first, last = self._span(agency, span)
        if last - first >= MOST_REPLAYED:
            raise Invalid([Fault("to", f"is too far: at most {MOST_REPLAYED} numbers at once")])
        sent, number = 0, agency.last
        while first <= last:
            answer = self._work.do(command(REPLAY, {"agency": agency.id, "from": first, "to": last}))
            assert answer is not None  # noqa: S101  a replay always answers
            sent, first, number = sent + answer["sent"], answer["next"], answer["last"]
        return {"sent": sent, "last": number}

    def _span(self, agency: Agency, span: Mapping[str, Any]) -> tuple[int, int]:
        if ("from_" in span) == ("since" in span):
            raise Invalid([Fault("from", "give either from (a number) or since (a time)")])
        last = min(span.get("to", agency.last), agency.last)
        if "from_" in span:
            return span["from_"], last
        since = datetime.fromisoformat(span["since"])
        return first_since(self._states, agency, since), last

    def _webhook(self, agency: Agency) -> Mapping[str, Any] | None:
        if agency.webhook is Webhook.NONE:
            return None
        return tries.shown(agency, self._cursors.get(tries.WAY, agency.id))

    def _last_receipt(self, agency: Agency) -> dict[str, Any] | None:
        wanted = {"_id": _after(agency.id, 0), "state.receipts": {"$ne": {}}}
        found: list[Delivery] = self._states.find("delivery", wanted, 1)
        if not found:
            return None
        receipt, at = max(found[0].receipts.items(), key=lambda item: item[1])
        return {"number": found[0].number, "receipt": receipt, "at": iso(at)}


def _after(agency: str, number: int) -> dict[str, str]:
    return {"$gt": delivery_id(agency, number), "$lt": f"{agency}{_AFTER_ALL}"}


def _line(delivery: Delivery) -> dict[str, Any]:
    return {
        "number": delivery.number,
        "id": delivery.event_id,
        "type": delivery.type,
        "happened_at": iso(delivery.time),
        "case_id": delivery.case_id or None,
        "referral_id": delivery.referral_id or None,
        "purpose": delivery.purpose or None,
        "basis": delivery.basis or None,
        "chosen": list(delivery.fields),
        "identity": list(delivery.identity),
        "closed": delivery.closed or None,
        "sealed": delivery.seal or None,
        "replay_of": delivery.replay_of or None,
        "receipts": {receipt: iso(at) for receipt, at in delivery.receipts.items()},
        "sha256": delivery.digest,
    }
