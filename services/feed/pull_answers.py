"""What agencies are answered: how things stand, their deliveries, and who somebody is."""

from collections.abc import Mapping
from typing import Any, ClassVar

from services.feed.agreement import FORMS
from shared.events.vocabulary import RECEIPTS
from shared.runtime.field import Code, Count, Day, Items, Moment, Object, Part, Text
from shared.runtime.form import Form

_MOST = 10**12


class Granted(Form):
    """One grant of an agreement."""

    event = Text(100, required=True)
    purpose = Text(100, required=True)
    form = Code(FORMS, required=True)
    fields_ = Items(Text(100, required=True), 100, required=True, data_key="fields")
    identity = Items(Text(100, required=True), 100, required=True, about="What may be fetched of the people.")


class AgreementShown(Form):
    """An agreement, as far as it is in force."""

    version = Count(1, _MOST, required=True)
    valid_from = Day(required=True, future=True, about="China's date.")
    valid_until = Day(required=True, future=True, about="That day included.")
    grants = Items(Part(Granted, required=True), 1_000, required=True)


class FeedShown(Form):
    """How things stand between the feed and an agency."""

    name = Text(31, required=True)
    kind = Text(40, required=True)
    districts = Items(Text(6, required=True), 200, required=True)
    status = Text(20, required=True)
    at = Moment(required=True)
    last = Count(0, _MOST, required=True, about="The number of its last delivery.")
    heartbeat_seconds = Count(1, 3_600, required=True, about="After so long without a delivery a heartbeat comes.")
    streams = Count(0, 1_000, required=True, about="Server-Sent Events that this process sends to it now.")
    amqp = Count(0, _MOST, required=True, allow_none=True, about="How far its stream at the broker is; null: none.")
    webhook = Object(required=True, allow_none=True, about="Whether it is called, and how far it is; null: it is not.")
    agreement = Part(AgreementShown, required=True, allow_none=True)

    example: ClassVar[Mapping[str, Any]] = {
        "name": "wenzhou-police",
        "kind": "police",
        "districts": ["3303"],
        "status": "active",
        "at": "2026-03-02T01:20:00Z",
        "last": 17,
        "heartbeat_seconds": 30,
        "streams": 1,
        "amqp": 17,
        "webhook": {"state": "on", "number": 16},
        "agreement": {
            "version": 1,
            "valid_from": "2026-01-01",
            "valid_until": "2030-12-31",
            "grants": [
                {"event": "risk.escalated", "purpose": "danger", "form": "id", "fields": [], "identity": []},
            ],
        },
    }


class ContractShown(Form):
    """What an agency gets, as an AsyncAPI 3.0 document."""

    asyncapi = Text(10, required=True)
    id = Text(200, required=True)
    info = Object(required=True)
    defaultContentType = Text(100, required=True)  # noqa: N815  the name is AsyncAPI's
    servers = Object(required=True)
    channels = Object(required=True)
    operations = Object(required=True)
    components = Object(required=True, about="Messages with examples, and JSON Schemas of exactly what may come.")

    example: ClassVar[Mapping[str, Any]] = {
        "asyncapi": "3.0.0",
        "id": "urn:niangjia:feed:wenzhou-police",
        "info": {"title": "Niangjia feed: Police", "version": "1.1.0"},
        "defaultContentType": "application/json",
        "servers": {},
        "channels": {},
        "operations": {},
        "components": {},
    }


class CloudEvent(Form):
    """A delivery, as CloudEvents 1.0 has it in JSON; the contract page of an agency says what is in its data."""

    specversion = Code(("1.0",), required=True)
    id = Text(64, required=True)
    source = Text(64, required=True)
    type = Text(100, required=True, about="`delivery.withheld` in the place of what may not be read any more.")
    time = Moment(required=True, about="When it happened.")
    subject = Text(64)
    dataschema = Text(200, required=True)
    datacontenttype = Text(50, required=True)
    sequence = Text(16, required=True, about="The number, in 16 digits.")
    dataref = Text(2_000, about="Where identity can be fetched.")
    replayof = Text(16, about="The number of the first delivery of what is delivered again.")
    data = Object(required=True)

    example: ClassVar[Mapping[str, Any]] = {
        "specversion": "1.0",
        "id": "019cabd8-3f40-7c11-9d22-7b6a5c4d3e2f",
        "source": "/feeds/wenzhou-police",
        "type": "referral.requested",
        "time": "2026-03-02T01:14:00Z",
        "subject": "019cabd8-3f40-7b68-a1d7-0e4f5c2b9a83",
        "dataschema": "urn:niangjia:feed:wenzhou-police:referral.requested:1",
        "sequence": "0000000000000017",
        "dataref": "https://feed.example.cn/feeds/wenzhou-police/deliveries/17/fields",
        "datacontenttype": "application/json",
        "data": {"referral_id": "019cabd8-3f40-7b68-a1d7-0e4f5c2b9a83", "purpose": "protect"},
    }


class CloudEvents(Form):
    """A page of deliveries in the order of their numbers, without a gap."""

    events = Items(Part(CloudEvent, required=True), 1_000, required=True)
    last = Count(0, _MOST, required=True, about="The number of the agency's last delivery.")
    next = Count(
        0, _MOST, required=True, about="What to ask for `after`; as long as it is less than `last`, more is there."
    )
    at = Moment(required=True, about="When this was so.")

    example: ClassVar[Mapping[str, Any]] = {
        "events": [CloudEvent.example],
        "last": 17,
        "next": 17,
        "at": "2026-03-02T01:20:00Z",
    }


class ToldFields(Form):
    """The people in a case, as far as agreement and consent allow it at this moment. Each time is written down."""

    number = Count(1, _MOST, required=True)
    case_id = Text(64, required=True)
    purpose = Text(64, required=True)
    basis = Text(20, required=True)
    fields_ = Object(required=True, data_key="fields", about="Nested; null where nobody knows.")

    example: ClassVar[Mapping[str, Any]] = {
        "number": 17,
        "case_id": "019cabd8-3f40-7a51-9c0e-5b1d2f3a4c6e",
        "purpose": "protect",
        "basis": "life",
        "fields": {"client": {"name": "王某", "phone": "13800000001"}},
    }


class DeliveryShown(Form):
    """The record of one delivery, for who got it."""

    number = Count(1, _MOST, required=True)
    id = Text(64, required=True)
    type = Text(100, required=True)
    happened_at = Moment(required=True)
    purpose = Text(64, required=True, allow_none=True)
    basis = Text(20, required=True, allow_none=True)
    identity = Items(Text(100, required=True), 100, required=True, about="What could be fetched of the people.")
    closed = Text(40, required=True, allow_none=True, about="Why it can no longer be fetched.")
    replay_of = Count(1, _MOST, required=True, allow_none=True)
    receipts = Object(required=True, about="When each was recorded.")
    sha256 = Text(64, required=True, about="Of the bytes that went out as data.")

    example: ClassVar[Mapping[str, Any]] = {
        "number": 17,
        "id": "019cabd8-3f40-7c11-9d22-7b6a5c4d3e2f",
        "type": "referral.requested",
        "happened_at": "2026-03-02T01:14:00Z",
        "purpose": "protect",
        "basis": "life",
        "identity": ["client.name"],
        "closed": None,
        "replay_of": None,
        "receipts": {"received": "2026-03-02T01:20:00Z"},
        "sha256": "0a" * 32,
    }


class ReceiptTaken(Form):
    """That a receipt is recorded; the same again is answered the same."""

    number = Count(1, _MOST, required=True)
    receipt = Code(RECEIPTS, required=True)

    example: ClassVar[Mapping[str, Any]] = {"number": 17, "receipt": "received"}
