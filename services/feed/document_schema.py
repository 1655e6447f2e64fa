"""JSON Schemas of whole messages: attributes and data in one object, or attributes as the headers of AMQP."""

from collections.abc import Mapping
from typing import Any, Final

from services.feed import envelope
from services.feed.contract import Contract, Offer
from shared.events import CATALOGUE
from shared.events.jsonschema import DRAFT

_SEQUENCE: Final = {"type": "string", "pattern": "^[0-9]{16}$"}
_HEADER: Final = "cloudEvents_"


def document_schema(contract: Contract, offer: Offer, data: Mapping[str, Any]) -> dict[str, Any]:
    """Return the schema of a message as one JSON object.

    Args:
        data: the schema of its data, or a reference to it.
    """
    attributes = _attributes(contract, offer)
    return {
        "type": "object",
        "required": [*_required(offer), "datacontenttype", "data"],
        "properties": {**attributes, "datacontenttype": {"const": envelope.CONTENT_TYPE}, "data": dict(data)},
    }


def header_schema(contract: Contract, offer: Offer) -> dict[str, Any]:
    """Return the schema of the headers of a message on AMQP, whose body is the data alone."""
    return {
        "type": "object",
        "required": [_HEADER + name for name in _required(offer)],
        "properties": {_HEADER + name: schema for name, schema in _attributes(contract, offer).items()},
    }


def json_schema(contract: Contract) -> dict[str, Any]:
    """Return one schema for every message that can come as one JSON object."""
    return {
        "$schema": DRAFT,
        "$id": f"urn:niangjia:feed:{contract.agency.id}:{contract.version}",
        "$comment": "Made of the agreement. Pass over attributes and types that you do not know.",
        "title": f"Niangjia feed: {contract.agreement.title['en']}, version {contract.version}",
        "anyOf": [{"$ref": f"#/$defs/{offer.key}"} for offer in contract.offers],
        "$defs": {
            offer.key: {**document_schema(contract, offer, offer.schema), **_examples(offer)}
            for offer in contract.offers
        },
    }


def _examples(offer: Offer) -> dict[str, Any]:
    return {"examples": [offer.example]} if offer.example else {}


def _required(offer: Offer) -> list[str]:
    always = ["specversion", "id", "source", "type", "time", "dataschema"]
    return [*always, *(["sequence"] if offer.is_numbered else []), *(["subject"] if offer.has_subject else [])]


def _attributes(contract: Contract, offer: Offer) -> dict[str, Any]:
    agency, version = contract.agency.id, CATALOGUE.event_type(offer.type).version if offer.grant else 1
    found: dict[str, Any] = {
        "specversion": {"const": "1.0"},
        "id": _text("The same for a replay of it."),
        "source": {"const": f"/feeds/{agency}"},
        "type": {"const": offer.type},
        "time": {**_text("When it happened, in UTC."), "format": "date-time"},
        "dataschema": {"const": envelope.schema_uri(agency, offer.type, version)},
    }
    if offer.is_numbered:
        found["sequence"] = {**_SEQUENCE, "description": "The number: gapless from 1, filled up with zeros."}
        found["replayof"] = {**_SEQUENCE, "description": "Of a replay: the number of the first delivery."}
    if offer.has_subject:
        found["subject"] = _text("Id of what it is about.")
    if offer.grant and offer.grant.identity:
        about = "Where fields of people can be fetched; absent where they cannot be any more."
        found["dataref"] = {**_text(about), "format": "uri"}
    return found


def _text(about: str) -> dict[str, Any]:
    return {"type": "string", "description": about}
