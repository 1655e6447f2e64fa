"""What an agency's developers are promised: each message that can come, with its schema and an example.

An example is what the model makes of an example of the catalogue, put on the wire as every delivery is; so it cannot
say anything else than what will come.
"""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, time, timedelta
from functools import cached_property
from typing import Any, Final

from msgspec import Struct
from msgspec.structs import replace

from services.feed import envelope
from services.feed.agency import Agency, Status
from services.feed.agreement import Agreement, Grant, read
from services.feed.chosen import HEARTBEAT_SCHEMA, RECALL_SCHEMA, WITHHELD_SCHEMA, data_schema
from services.feed.delivery import HEARTBEAT, RECALLED, WITHHELD, Delivery
from services.feed.model import FeedModel
from services.feed.shareable import shareable
from shared.events import CATALOGUE
from shared.kernel import Message, Ref, run
from shared.rules import CHINA

#: Of the form in which feed delivers; rises with each change that a reader must know of.
FORM: Final = 1
#: Stands where a sealed identity would: a JWE is five texts with dots between.
SEALED_EXAMPLE: Final = "eyJhbGciOiJSU0EtT0FFUC0yNTYiLCJlbmMiOiJBMjU2R0NNIn0.key.nonce.text.tag"

_MOMENT: Final = datetime(2026, 3, 2, 1, 14, tzinfo=UTC)


class Offer(Struct, frozen=True, kw_only=True):
    """One kind of message that can come."""

    #: Its name in the documents.
    key: str
    type: str
    #: Of the data.
    schema: Mapping[str, Any]
    #: An invented message as one JSON object; None where an earlier grant takes every such event.
    example: Mapping[str, Any] | None
    #: By which an event comes; None for what feed says of itself.
    grant: Grant | None = None

    @property
    def is_numbered(self) -> bool:
        """Whether it has a number of the agency's sequence."""
        return self.type != HEARTBEAT

    @property
    def has_subject(self) -> bool:
        """Whether it says what it is about."""
        return self.grant is not None and self.grant.form != "empty"


class Contract(Struct, frozen=True, kw_only=True, dict=True):
    """What an agency gets, for its developers."""

    agency: Agency
    #: Where agencies reach feed, without a slash at the end.
    url: str

    @cached_property
    def agreement(self) -> Agreement:
        """What was agreed."""
        return read(self.agency.private.agreement)

    @property
    def version(self) -> str:
        """The version of the agreement, then that of the form in which feed delivers."""
        return f"{self.agreement.version}.{FORM}.0"

    @property
    def is_sealed(self) -> bool:
        """Whether identity travels sealed to the agency's key."""
        return bool(self.agency.private.public_key)

    @cached_property
    def offers(self) -> tuple[Offer, ...]:
        """All that can come: what the agreement grants, in its order, then what feed says of itself."""
        return (*map(self._granted, self.agreement.grants), *self._own())

    def _granted(self, grant: Grant) -> Offer:
        fits = (one for one in self._story if (one.type, one.purpose) == (grant.event, grant.purpose))
        # what is for counting keeps the purpose that the event has
        others = (one for one in self._story if grant.of_all and one.type == grant.event)
        example = next(fits, None) or next(others, None)
        return Offer(
            key=f"{grant.event}.{grant.purpose}",
            type=grant.event,
            schema=data_schema(CATALOGUE.event_type(grant.event), grant, self.agency.kind, sealed=self.is_sealed),
            example=self._document(example) if example else None,
            grant=grant,
        )

    def _own(self) -> Iterator[Offer]:
        story = self._story
        recall = next(one for one in story if one.type == RECALLED)
        withheld = replace(story[0], type=WITHHELD, form="empty", subject="", identity=(), seal="")
        for delivery, schema in ((recall, RECALL_SCHEMA), (withheld, WITHHELD_SCHEMA)):
            yield Offer(key=delivery.type, type=delivery.type, schema=schema, example=self._document(delivery))
        alive = envelope.heartbeat(self.agency.id, story[-1].number, story[-1].time)
        yield Offer(key=HEARTBEAT, type=HEARTBEAT, schema=HEARTBEAT_SCHEMA, example=alive)

    def _document(self, delivery: Delivery) -> dict[str, Any]:
        return envelope.document(delivery, self.url, SEALED_EXAMPLE if delivery.seal else "")

    @cached_property
    def _story(self) -> tuple[Delivery, ...]:
        """Deliveries to this agency: one for each grant, and the recall of them all, as an erasure brings it."""
        agency = replace(self.agency, status=Status.ACTIVE, sandbox=False, last=0)
        model = FeedModel(shareable())
        shelf = model.shelf()
        shelf.put(Ref("agency", agency.id), agency)
        story: dict[int, Delivery] = {}
        for message in _events(agency, self.agreement):
            run(model, shelf, message)
            for delivery in shelf.all("delivery"):
                story.setdefault(delivery.number, delivery)  # as it was made, not as the erasure leaves it
        return tuple(story[number] for number in sorted(story))


def _events(agency: Agency, agreement: Agreement) -> Iterator[Message]:
    at = _time(agreement)
    case = _case(agreement)
    for grant in agreement.grants:
        data = _example(grant, agency)
        subject = data.get("referral_id") or data.get("volunteer_id") or data.get("case_id") or case
        yield Message(id=grant.event + grant.purpose, type=grant.event, time=at, data=data, subject=subject, case=case)
    yield Message(id="erasure", type="case.erased", time=at + timedelta(days=1), data={}, subject=case, case=case)


def _case(agreement: Agreement) -> str:
    """Return the id of the case of which the catalogue's examples speak."""
    found = (CATALOGUE.event_type(grant.event).example for grant in agreement.grants)
    return next((str(example["case_id"]) for example in found if "case_id" in example), "v000001")


def _example(grant: Grant, agency: Agency) -> dict[str, Any]:
    """Return the catalogue's example of an event, so changed that it is granted."""
    data: dict[str, Any] = {**CATALOGUE.event_type(grant.event).example}
    own = {"agency": agency.kind, "purpose": grant.purpose, "basis": grant.bases[0], "rule": grant.purpose}
    if not grant.of_all:
        data |= {name: value for name, value in own.items() if name in data}
    if data.get("reason") == "mediation_barred" and grant.purpose != "mediation":
        data["reason"] = "consent_withdrawn"
    for name in ("district", "case.district"):
        if not agency.covers(str(_at(data, name))):
            _set(data, name, agency.districts[0])
    for name, values in grant.where.items():
        _set(data, name, values[0])
    return data


def _at(data: Mapping[str, Any], name: str) -> Any:
    first, _, rest = name.partition(".")
    value = data.get(first)
    return _at(value, rest) if rest and isinstance(value, Mapping) else value


def _set(data: dict[str, Any], name: str, value: Any) -> None:
    first, _, rest = name.partition(".")
    if first not in data:
        return
    if rest:
        data[first] = {**data[first]}
        _set(data[first], rest, value)
    else:
        data[first] = value


def _time(agreement: Agreement) -> datetime:
    """Return when the examples happen: while the agreement is valid."""
    if agreement.valid_from <= _MOMENT.astimezone(CHINA).date() < agreement.valid_until:
        return _MOMENT
    return datetime.combine(agreement.valid_from, time(9, 14), CHINA).astimezone(UTC)
