"""What operators are answered: agencies, their secrets (once), the record of what they got."""

from collections.abc import Mapping
from typing import Any, ClassVar

from shared.runtime.field import Count, Flag, Items, Moment, Object, Part, Text
from shared.runtime.form import Form

_MOST = 10**12


class Broker(Form):
    """Where an agency reads its stream."""

    uri = Text(2_000, required=True)
    stream = Text(255, required=True)
    exchange = Text(255, required=True)

    example: ClassVar[Mapping[str, Any]] = {
        "uri": "amqps://agency-wenzhou-police:…@feed.example.cn:5671/partners",
        "stream": "feed.wenzhou-police",
        "exchange": "niangjia.wenzhou-police.events",
    }


class Door(Form):
    """Where an agency reads by HTTP, and with which token."""

    url = Text(2_000, required=True)
    token = Text(4_096, required=True)

    example: ClassVar[Mapping[str, Any]] = {"url": "https://feed.example.cn/feeds/wenzhou-police", "token": "…"}


class Secrets(Form):
    """What an agency needs to come in; nobody can read it again."""

    amqp = Part(Broker)
    http = Part(Door, required=True)
    webhook_secret = Text(200)

    example: ClassVar[Mapping[str, Any]] = {
        "amqp": Broker.example,
        "http": Door.example,
        "webhook_secret": "whsec_…",
    }


class AgencyShown(Form):
    """An agency, without any secret."""

    name = Text(31, required=True)
    kind = Text(40, required=True)
    districts = Items(Text(6, required=True), 200, required=True)
    status = Text(20, required=True)
    opened_at = Moment(required=True)
    last = Count(0, _MOST, required=True, about="The number of its last delivery.")
    sandbox = Flag(required=True)
    federation = Text(255)
    sealed = Flag(required=True, about="Identity travels sealed to its key.")
    stream = Object(about="How far it is: the last number that is in the stream.")
    webhook = Object(about="How far it is, and what became of the last try.")
    last_receipt = Object(about="The last receipt that came in.")
    agreement = Object(required=True)

    example: ClassVar[Mapping[str, Any]] = {
        "name": "wenzhou-police",
        "kind": "police",
        "districts": ["3303"],
        "status": "active",
        "opened_at": "2026-03-01T00:00:00Z",
        "last": 17,
        "sandbox": False,
        "federation": None,
        "sealed": False,
        "stream": {"number": 17},
        "webhook": None,
        "last_receipt": {"number": 16, "receipt": "received", "at": "2026-03-02T01:20:00Z"},
        "agreement": {"agency": "police", "version": 1},
    }


class AgenciesShown(Form):
    """All agencies."""

    agencies = Items(Part(AgencyShown, required=True), 10_000, required=True)

    example: ClassVar[Mapping[str, Any]] = {"agencies": [AgencyShown.example]}


class Replayed(Form):
    """What is delivered again."""

    sent = Count(0, _MOST, required=True)
    last = Count(0, _MOST, required=True, about="The number of its last delivery now.")

    example: ClassVar[Mapping[str, Any]] = {"sent": 24, "last": 64}


class Rehearsed(Form):
    """What became of an invented event."""

    last = Count(0, _MOST, required=True, about="The number of the sandbox's last delivery now.")

    example: ClassVar[Mapping[str, Any]] = {"last": 17}


class RecordLine(Form):
    """One delivery, for the account that is given of it."""

    number = Count(1, _MOST, required=True)
    id = Text(64, required=True)
    type = Text(100, required=True)
    happened_at = Moment(required=True)
    case_id = Text(64)
    referral_id = Text(64)
    purpose = Text(64)
    basis = Text(20)
    chosen = Items(Text(100, required=True), 100, required=True, about="The public fields that went out.")
    identity = Items(Text(100, required=True), 100, required=True, about="What could be fetched of the people.")
    closed = Text(40, about="Why it can no longer be fetched.")
    sealed = Text(40)
    replay_of = Count(1, _MOST)
    receipts = Object(required=True)
    sha256 = Text(64, required=True)

    example: ClassVar[Mapping[str, Any]] = {
        "number": 17,
        "id": "019cabd8-3f40-7c11-9d22-7b6a5c4d3e2f",
        "type": "referral.requested",
        "happened_at": "2026-03-02T01:14:00Z",
        "case_id": "019cabd8-3f40-7a51-9c0e-5b1d2f3a4c6e",
        "referral_id": "019cabd8-3f40-7b68-a1d7-0e4f5c2b9a83",
        "purpose": "protect",
        "basis": "life",
        "chosen": ["referral_id", "purpose"],
        "identity": ["client.name"],
        "closed": None,
        "sealed": None,
        "replay_of": None,
        "receipts": {"received": "2026-03-02T01:20:00Z"},
        "sha256": "0a" * 32,
    }


class Record(Form):
    """Deliveries in the order of their numbers."""

    deliveries = Items(Part(RecordLine, required=True), 1_000, required=True)
    next = Count(1, _MOST, about="What to ask for `after`; null at the end.")

    example: ClassVar[Mapping[str, Any]] = {"deliveries": [RecordLine.example], "next": None}
