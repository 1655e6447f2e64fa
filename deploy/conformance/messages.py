"""The deliveries that the kit sends: the examples of a contract, as if they happened one after the other."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from itertools import cycle
from typing import Any, Final

from deploy.conformance.feed import Document
from services.feed.agency import Agency, Secrets, Status
from services.feed.contract import Contract, Offer
from services.feed.delivery import RECALLED
from services.feed.sandbox import invented
from shared.kernel import identifier

#: As which agency the consumer is called.
NAME: Final = "check"
_URL: Final = "http://127.0.0.1"
_BEGIN: Final = datetime(2026, 3, 2, 1, 14, tzinfo=UTC)


class Messages:
    """Makes deliveries as one agency gets them.

    Args:
        agreement: of its kind; checked.
    """

    def __init__(self, agreement: Mapping[str, Any]) -> None:
        agency = Agency(
            id=NAME,
            kind=agreement["agency"],
            districts=("33",),
            status=Status.ACTIVE,
            opened_at=_BEGIN,
            rekeyed_at=_BEGIN,
            private=Secrets(agreement=dict(agreement)),
        )
        offers = [offer for offer in Contract(agency=agency, url=_URL).offers if offer.grant and offer.example]
        self._offers: Iterator[Offer] = cycle(offers)
        #: Those with a `dataref`, where there are any.
        self._told = [offer for offer in offers if offer.grant and offer.grant.identity]
        self._made = 0

    def event(self) -> Document:
        """Return the next event."""
        return self._document(next(self._offers))

    def event_with_people(self) -> tuple[Document, dict[str, Any] | None]:
        """Return an event and what its `dataref` answers; None where the agreement tells of nobody."""
        if not self._told:
            return self.event(), None
        offer = self._told[0]
        document = self._document(offer)
        data = document["data"]
        names = offer.grant.identity if offer.grant else ()
        people = {name: data.get(name) for name in ("case_id", "purpose", "basis")}
        return document, {**people, "fields": invented(str(data.get("case_id")), names)}

    def recall(self, numbers: list[int]) -> Document:
        """Return the recall of some deliveries."""
        data = {"numbers": numbers, "reason": "consent_withdrawn"}
        return self._feeds_own(RECALLED, data)

    def unknown(self) -> Document:
        """Return an event of a type that a later release may bring."""
        return {**self._feeds_own("weather.changed", {"outlook": "fair"}), "subject": "v000001"}

    def _document(self, offer: Offer) -> Document:
        example = dict(offer.example or {})
        example.pop("dataref", None)
        return {**example, "id": self._id()}

    def _feeds_own(self, type: str, data: Mapping[str, Any]) -> Document:
        return {
            "specversion": "1.0",
            "id": self._id(),
            "source": f"/feeds/{NAME}",
            "type": type,
            "time": "2026-03-02T01:14:00Z",
            "dataschema": f"urn:niangjia:feed:all:{type}:1",
            "datacontenttype": "application/json",
            "data": dict(data),
        }

    def _id(self) -> str:
        self._made += 1
        return identifier(_BEGIN, "check", str(self._made))
