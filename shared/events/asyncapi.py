"""The AsyncAPI 3.0 document of the house: who publishes what on which exchange, and who acts on it."""

from collections.abc import Iterable
from typing import Any

from shared.events.catalogue import Catalogue
from shared.events.declaration import EventType
from shared.events.envelope import CONTENT_TYPE, PREFIX, SEQUENCE_DIGITS, schema_uri
from shared.events.jsonschema import data_schemas

#: Of the published language as a whole: the first figure rises with any event's version, the second with an event.
VERSION = "1.0.0"

_BINDING_VERSION = "0.3.0"
_DESCRIPTION = (
    "Events of Niangjia: CloudEvents 1.0 over AMQP 0-9-1 in binary mode. Every attribute is a text header "
    "`cloudEvents_<name>`, the body is the data as JSON, the routing key is the type. No event holds a name, a "
    "telephone number, an address or a narrative. Delivery is at least once and in the order of the source; an event "
    "that was seen before is known by its id."
)


def asyncapi(catalogue: Catalogue) -> dict[str, Any]:
    """Return the document as JSON types."""
    owners = sorted({declared.owner for declared in catalogue})
    return {
        "asyncapi": "3.0.0",
        "info": {"title": "Niangjia events", "version": VERSION, "description": _DESCRIPTION},
        "defaultContentType": CONTENT_TYPE,
        "servers": {"broker": _server()},
        "channels": {owner: _channel(owner, _of(catalogue, owner)) for owner in owners},
        "operations": _operations(catalogue, owners),
        "components": {
            "messages": {declared.type: _message(declared) for declared in catalogue},
            "messageTraits": {"cloudEvent": {"contentType": CONTENT_TYPE, "headers": _headers()}},
            "schemas": _schemas(catalogue),
        },
    }


def _of(catalogue: Catalogue, owner: str) -> list[EventType]:
    return [declared for declared in catalogue if declared.owner == owner]


def _server() -> dict[str, Any]:
    return {
        "host": "{host}:{port}",
        "pathname": "/{vhost}",
        "protocol": "amqp",
        "protocolVersion": "0.9.1",
        "description": "The RabbitMQ broker of an installation.",
        "variables": {
            "host": {"default": "127.0.0.1", "description": "Where the broker listens."},
            "port": {"default": "5672", "description": "5671 for TLS."},
            "vhost": {"default": "", "description": "Virtual host; empty for the default one."},
        },
    }


def _channel(owner: str, types: Iterable[EventType]) -> dict[str, Any]:
    exchange = f"{owner}.events"
    return {
        "address": exchange,
        "description": f"The exchange of {owner}. A namespace, where one is set, stands before the name.",
        "messages": {declared.type: {"$ref": f"#/components/messages/{declared.type}"} for declared in types},
        "bindings": {
            "amqp": {
                "is": "routingKey",
                "exchange": {"name": exchange, "type": "topic", "durable": True, "autoDelete": False},
                "bindingVersion": _BINDING_VERSION,
            }
        },
    }


def _operations(catalogue: Catalogue, owners: Iterable[str]) -> dict[str, Any]:
    operations = {}
    for owner in owners:
        published = [declared.type for declared in _of(catalogue, owner)]
        operations[f"{owner}.publishes"] = {
            **_operation("send", owner, published, f"{owner} publishes what has happened."),
            "bindings": {"amqp": {"deliveryMode": 2, "ack": True, "bindingVersion": _BINDING_VERSION}},
        }
        for listener, types in catalogue.listeners_of(owner).items():
            about = f"{listener} acts on events of {owner}, from its queue {listener}.from.{owner}."
            operations[f"{listener}.from.{owner}"] = _operation("receive", owner, types, about)
    return operations


def _operation(action: str, owner: str, types: Iterable[str], about: str) -> dict[str, Any]:
    return {
        "action": action,
        "summary": about,
        "channel": {"$ref": f"#/channels/{owner}"},
        "messages": [{"$ref": f"#/channels/{owner}/messages/{name}"} for name in types],
    }


def _message(declared: EventType) -> dict[str, Any]:
    return {
        "name": declared.type,
        "title": f"{declared.type}, version {declared.version}",
        "summary": declared.about,
        "traits": [{"$ref": "#/components/messageTraits/cloudEvent"}],
        "headers": {
            "type": "object",
            "properties": {
                f"{PREFIX}source": {"const": f"/{declared.owner}"},
                f"{PREFIX}type": {"const": declared.type},
                f"{PREFIX}dataschema": {"const": schema_uri(declared.type, declared.version)},
            },
        },
        "payload": {"$ref": f"#/components/schemas/{declared.schema.__name__}"},
        "bindings": {
            "amqp": {"contentEncoding": "utf-8", "messageType": declared.type, "bindingVersion": _BINDING_VERSION}
        },
        "examples": [{"name": "invented", "payload": declared.example}],
    }


def _headers() -> dict[str, Any]:
    required = {
        "specversion": {"const": "1.0"},
        "id": _text("UUIDv7, unique in the house; the same event delivered again has the same id."),
        "source": _text("The service that publishes it."),
        "type": _text("The event's name, also the routing key."),
        "time": {**_text("When it happened, in UTC."), "format": "date-time"},
        "subject": _text("Id of what it is about; events of one subject keep their order."),
        "dataschema": _text("Name of the schema of the data, with its version."),
        "sequence": {
            **_text("Number without gap for each source, filled up with zeros."),
            "pattern": f"^[0-9]{{{SEQUENCE_DIGITS}}}$",
        },
        "causationid": _text("Id of the command or event that caused it."),
    }
    optional = {
        "correlationid": _text("Id of the case it belongs to; absent where it belongs to none."),
        "traceparent": _text("W3C trace context."),
    }
    return {
        "type": "object",
        "required": [PREFIX + name for name in required],
        "properties": {PREFIX + name: schema for name, schema in {**required, **optional}.items()},
    }


def _text(about: str) -> dict[str, Any]:
    return {"type": "string", "description": about}


def _schemas(catalogue: Catalogue) -> dict[str, Any]:
    schemas: dict[str, Any] = {}
    for declared in catalogue:
        for name, schema in data_schemas(declared, "components/schemas").items():
            if schemas.setdefault(name, schema) != schema:
                raise ValueError(f"two different parts of events are called {name}")
    return dict(sorted(schemas.items()))
