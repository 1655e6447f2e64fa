"""What an agency asks of its own feed by HTTP, once it has come in."""

from collections.abc import Mapping
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any, Final

from services.feed.agency import Agency, Webhook
from services.feed.contract_page import contract_page
from services.feed.cursor import Cursors
from services.feed.delivery import Delivery
from services.feed.desk import Desk
from services.feed.door import Door
from services.feed.enrolment import command
from services.feed.identity import ClaimCheck
from services.feed.ledger import first_since, joined
from services.feed.live import CONTENT_TYPE, Live
from services.feed.model import RECEIPT
from services.feed.watch import Watch
from shared.kernel import NotFound
from shared.rules import china_day, iso
from shared.runtime.auth import Bearer
from shared.runtime.http import Answer
from shared.runtime.problem import Fault, Invalid
from shared.runtime.work import UnitOfWork

#: Deliveries on a page, unless somebody asks for another number.
PAGE: Final = 100
_LONGEST_CURSOR: Final = 16
#: A proxy must not hold back what is meant to arrive at once.
_LIVE_HEADERS: Final = {"X-Accel-Buffering": "no"}


class Pull:
    """The feed of one agency.

    Args:
        agency: as it is stored now.
    """

    def __init__(self, work: UnitOfWork, watch: Watch, door: Door, agency: Agency) -> None:
        self._work = work
        self._watch = watch
        self._door = door
        self._agency = agency

    def status(self) -> dict[str, Any]:
        """Return how things stand."""
        agency, cursors = self._agency, Cursors(self._work.database)
        called = agency.webhook is not Webhook.NONE
        return {
            "name": agency.id,
            "kind": agency.kind,
            "districts": list(agency.districts),
            "status": agency.status.value,
            "at": iso(datetime.now(UTC)),
            "last": agency.last,
            "heartbeat_seconds": self._work.settings.heartbeat,
            "streams": self._door.streams.taken(agency.id),
            "amqp": cursors.get("stream", agency.id).number if agency.stream else None,
            "webhook": {"state": agency.webhook.value, "number": cursors.get("webhook", agency.id).number}
            if called
            else None,
            "agreement": self._agreement() if agency.is_active else None,
        }

    def contract(self, accept: str, accept_language: str) -> Answer:
        """Return what is agreed, for developers, in the form and the language that they want."""
        page = contract_page(self._agency, self._work.settings.feed_url, accept, accept_language)
        language = {"Content-Language": page.language} if page.language else {}
        headers = {"Vary": "Accept, Accept-Language", **language}
        return Answer(body=page.body, content_type=page.content_type, headers=headers)

    def events(self, query: Mapping[str, str]) -> bytes:
        """Return a page of deliveries as JSON.

        Raises:
            Invalid: the query contradicts itself, or names a number that was never given.
        """
        after = self._after(query)
        now = datetime.now(UTC)
        entries = self._watch.ledger.page(self._agency, after, int(query.get("limit", PAGE)), now)
        following = entries[-1].number if entries else after
        return joined(entries, last=self._agency.last, next=following, at=iso(now))

    def stream(self, bearer: Bearer, query: Mapping[str, str], last_event_id: str) -> Answer:
        """Return deliveries as they are made.

        Raises:
            Invalid: the cursor is none.
            TooMany: too many streams are open.
        """
        name = self._agency.id
        after = self._checked(_cursor(last_event_id), "Last-Event-ID") if last_event_id else self._after(query)
        self._door.streams.take(name)
        live = Live(
            known=self._watch,
            pages=self._watch.pages,
            agency=name,
            key=bearer.key,
            until=bearer.until,
            after=after,
            beat=self._work.settings.heartbeat,
            leave=lambda: self._door.streams.give_back(name),
        )
        return Answer(stream=live, content_type=CONTENT_TYPE, headers=_LIVE_HEADERS)

    def identity(self, number: int, claims: ClaimCheck) -> dict[str, Any]:
        """Return who the people are with whom a delivery is about.

        Raises:
            NotFound, Forbidden, Gone, Unavailable: as `ClaimCheck.redeem`.
            TooMany: too many such questions are being answered.
        """
        delivery = self._delivery(number)
        with self._door.claims.held(self._agency.id):
            fields = claims.redeem(self._agency, delivery, china_day(datetime.now(UTC)))
        return {
            "number": number,
            "case_id": delivery.case_id,
            "purpose": delivery.purpose,
            "basis": delivery.basis,
            "fields": fields,
        }

    def record(self, number: int) -> dict[str, Any]:
        """Return the record of one delivery.

        Raises:
            NotFound: there is none with this number.
        """
        one = self._delivery(number)
        return {
            "number": one.number,
            "id": one.event_id,
            "type": one.type,
            "happened_at": iso(one.time),
            "purpose": one.purpose or None,
            "basis": one.basis or None,
            "identity": list(one.identity),
            "closed": one.closed or None,
            "replay_of": one.replay_of or None,
            "receipts": {receipt: iso(at) for receipt, at in one.receipts.items()},
            "sha256": one.digest,
        }

    def receipt(self, number: int, receipt: str) -> Answer:
        """Record a receipt.

        Raises:
            NotFound: there is no delivery with this number.
        """
        known = receipt in self._delivery(number).receipts
        asked = {"agency": self._agency.id, "number": number, "receipt": receipt}
        content = {"number": number, "receipt": receipt} if known else self._work.do(command(RECEIPT, asked))
        return Answer(status=HTTPStatus.OK if known else HTTPStatus.CREATED, content=content)

    def replay(self, span: Mapping[str, Any]) -> dict[str, Any]:
        """Let deliveries be made again, under new numbers.

        Raises:
            Invalid: the span cannot be used.
            TooMany: a replay is being made.
        """
        with self._door.replays.held(self._agency.id):
            return Desk(self._work).replay(self._agency, span)

    def _after(self, query: Mapping[str, str]) -> int:
        if "since" in query:
            if "after" in query:
                raise Invalid([Fault("since", "give either after (a number) or since (a time)")])
            return first_since(self._work.unit.states, self._agency, datetime.fromisoformat(query["since"])) - 1
        return self._checked(int(query.get("after", 0)), "after")

    def _checked(self, number: int | None, field: str) -> int:
        """Return a number that was given to this agency; any other would wait for what never comes.

        Raises:
            Invalid: it was not.
        """
        if number is None:
            raise Invalid([Fault(field, "must be a number")])
        if number > self._agency.last:
            raise Invalid([Fault(field, f"lies beyond the last number, {self._agency.last}")])
        return number

    def _delivery(self, number: int) -> Delivery:
        found = self._watch.ledger.delivery(self._agency, number)
        if found is None:
            raise NotFound("delivery-unknown", "there is no delivery with this number", field="number")
        return found

    def _agreement(self) -> dict[str, Any]:
        agreement = self._watch.permissions.agreement(self._agency)
        return {
            "version": agreement.version,
            "valid_from": agreement.valid_from.isoformat(),
            "valid_until": agreement.valid_until.isoformat(),
            "grants": [
                {
                    "event": grant.event,
                    "purpose": grant.purpose,
                    "form": grant.form,
                    "fields": list(grant.fields),
                    "identity": list(grant.identity),
                }
                for grant in agreement.grants
            ],
        }


def number_of(text: str) -> int:
    """Return the number in an address.

    Raises:
        NotFound: it is none, so nothing is there.
    """
    number = _cursor(text)
    if not number:
        raise NotFound("delivery-unknown", "there is no delivery with this number", field="number")
    return number


def _cursor(text: str) -> int | None:
    text = text.strip()
    return int(text) if text.isascii() and text.isdigit() and len(text) <= _LONGEST_CURSOR else None
