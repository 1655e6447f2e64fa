"""A contract for programs: an AsyncAPI 3.0 document of what an agency's own application receives and sends back."""

from collections.abc import Iterable
from typing import Any, Final
from urllib.parse import urlsplit

from services.feed import envelope
from services.feed.contract import Contract, Offer
from services.feed.document_schema import document_schema, header_schema
from shared.events.vocabulary import RECEIPTS

_AMQP_BINDING: Final = "0.3.0"
_HTTP_BINDING: Final = "0.3.0"
_ABOUT: Final = (
    "What Niangjia delivers to one agency, and how. Each delivery is a CloudEvent 1.0 with a number in `sequence`: "
    "gapless from 1, the same over all ways. None holds a name, a telephone number, an address or a narrative: where "
    "`dataref` stands, an application fetches what it may know of people, as long as it may. It keeps the last number "
    "that it has handled, takes a number that comes twice for one, fetches what a gap shows to be missing, and passes "
    "over what it does not know."
)
#: By the rules of Standard Webhooks; what is read over HTTP has none of them.
_CALL_HEADERS: Final = {
    "type": "object",
    "description": "With each call of the application.",
    "properties": {
        "webhook-id": {"type": "string", "description": "The same for each try of a delivery."},
        "webhook-timestamp": {"type": "string", "pattern": "^[0-9]+$", "description": "Seconds since 1970."},
        "webhook-signature": {
            "type": "string",
            "description": "`v1,` and the HMAC-SHA256 of `id.timestamp.body` in base64; two while keys change.",
        },
    },
}
_RECEIPT: Final = {
    "type": "object",
    "required": ["number", "receipt"],
    "properties": {"number": {"type": "integer", "minimum": 1}, "receipt": {"enum": list(RECEIPTS)}},
}


def asyncapi(contract: Contract) -> dict[str, Any]:
    """Return the document as JSON types."""
    return {
        "asyncapi": "3.0.0",
        "id": f"urn:niangjia:feed:{contract.agency.id}",
        "info": {
            "title": f"Niangjia feed: {contract.agreement.title['en']}",
            "version": contract.version,
            "description": _ABOUT,
        },
        "defaultContentType": envelope.CONTENT_TYPE,
        "servers": _servers(contract),
        "channels": _channels(contract),
        "operations": _operations(contract),
        "components": {
            "securitySchemes": {
                "password": {"type": "userPassword", "description": "The agency's user at the broker."},
                "certificate": {"type": "X509", "description": "Or a client certificate in the name of that user."},
                "token": {"type": "http", "scheme": "bearer", "description": "The agency's token."},
            },
            "messages": _messages(contract),
            "schemas": _schemas(contract),
        },
    }


def _servers(contract: Contract) -> dict[str, Any]:
    feed = urlsplit(contract.url)
    return {
        "feed": {
            "host": feed.netloc,
            **({"pathname": feed.path} if feed.path else {}),
            "protocol": feed.scheme,
            "description": "Where deliveries are read and fields of people are fetched.",
            "security": [_ref("components/securitySchemes/token")],
        },
        "broker": {
            "host": "{host}:{port}",
            "pathname": "/{vhost}",
            "protocol": "amqps",
            "protocolVersion": "0.9.1",
            "description": "RabbitMQ; its full address came with the agency's keys.",
            "variables": {
                "host": {"default": feed.hostname or "127.0.0.1", "description": "Where the broker listens."},
                "port": {"default": "5671", "description": "The port for TLS."},
                "vhost": {"default": "partners", "description": "The virtual host of the partners."},
            },
            "security": [_ref(f"components/securitySchemes/{name}") for name in ("password", "certificate")],
        },
        "application": {
            "host": "{host}",
            "protocol": "https",
            "description": "Where the agency asked to be called.",
            "variables": {"host": {"default": "agency.example.cn", "description": "Of the application itself."}},
        },
    }


def _channels(contract: Contract) -> dict[str, Any]:
    path, queue = f"/feeds/{contract.agency.id}", f"feed.{contract.agency.id}"
    documents = {offer.key: _ref(f"components/messages/{offer.key}.document") for offer in contract.offers}
    kept = {"name": queue, "durable": True, "exclusive": False, "autoDelete": False}
    return {
        "stream": {
            "address": queue,
            "description": "A stream: consume with `x-stream-offset`, a prefetch and acknowledgements.",
            "servers": [_ref("servers/broker")],
            "messages": {offer.key: _ref(f"components/messages/{offer.key}") for offer in contract.offers},
            "bindings": {"amqp": {"is": "queue", "queue": kept, "bindingVersion": _AMQP_BINDING}},
        },
        "events": {
            "address": f"{path}/stream",
            "description": "Server-Sent Events: `id` is the number, `Last-Event-ID` or `after` says where to go on.",
            "servers": [_ref("servers/feed")],
            "messages": documents,
        },
        "pages": {
            "address": f"{path}/events",
            "description": "What comes after the number `after`, at most `limit` deliveries.",
            "servers": [_ref("servers/feed")],
            "messages": {"page": _ref("components/messages/page")},
        },
        "webhook": {
            "address": "/{path}",
            "description": "Calls of the application, by the rules of Standard Webhooks.",
            "servers": [_ref("servers/application")],
            "parameters": {"path": {"description": "Of the address that the agency gave."}},
            "messages": documents,
        },
        "receipts": {
            "address": f"{path}/receipts",
            "description": "Where the application says how far it is with a delivery.",
            "servers": [_ref("servers/feed")],
            "messages": {"receipt": _ref("components/messages/receipt")},
        },
    }


def _operations(contract: Contract) -> dict[str, Any]:
    keys = [offer.key for offer in contract.offers]
    return {
        "readStream": _operation("receive", "stream", keys, "Read the stream at the broker."),
        "readEvents": _operation("receive", "events", keys, "Read deliveries as they come.", "GET"),
        "readPages": _operation("receive", "pages", ["page"], "Read deliveries page by page.", "GET"),
        "beCalled": _operation("receive", "webhook", keys, "Be called with each delivery.", "POST"),
        "sendReceipt": _operation("send", "receipts", ["receipt"], "Say how far it is with a delivery.", "POST"),
    }


def _operation(action: str, channel: str, messages: Iterable[str], about: str, method: str = "") -> dict[str, Any]:
    http = {"http": {"method": method, "bindingVersion": _HTTP_BINDING}}
    return {
        "action": action,
        "summary": about,
        "channel": _ref(f"channels/{channel}"),
        "messages": [_ref(f"channels/{channel}/messages/{name}") for name in messages],
        **({"bindings": http} if method else {}),
    }


def _messages(contract: Contract) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for offer in contract.offers:
        found[offer.key] = _binary(contract, offer)
        found[f"{offer.key}.document"] = _structured(offer)
    for name, about in (("page", "A page of deliveries"), ("receipt", "A receipt")):
        payload = _ref(f"components/schemas/{name}")
        found[name] = {"name": name, "title": about, "contentType": envelope.CONTENT_TYPE, "payload": payload}
    return found


def _binary(contract: Contract, offer: Offer) -> dict[str, Any]:
    """Return a message as the broker has it: attributes as headers, the data as body."""
    message: dict[str, Any] = {
        "name": offer.type,
        "title": offer.key,
        "contentType": envelope.CONTENT_TYPE,
        "headers": header_schema(contract, offer),
        "payload": _ref(f"components/schemas/{offer.key}"),
        "bindings": {"amqp": {"contentEncoding": "utf-8", "messageType": offer.type, "bindingVersion": _AMQP_BINDING}},
    }
    if offer.example:
        attributes = {name: text for name, text in offer.example.items() if name not in {"data", "datacontenttype"}}
        headers, _ = envelope.amqp(attributes)
        message["examples"] = [{"name": "invented", "headers": headers, "payload": offer.example["data"]}]
    return message


def _structured(offer: Offer) -> dict[str, Any]:
    """Return a message as one JSON object, as HTTP has it."""
    message: dict[str, Any] = {
        "name": offer.type,
        "title": f"{offer.key}, as one JSON object",
        "contentType": envelope.STRUCTURED,
        "headers": _CALL_HEADERS,
        "payload": _ref(f"components/schemas/{offer.key}.document"),
    }
    if offer.example:
        message["examples"] = [{"name": "invented", "payload": offer.example}]
    return message


def _schemas(contract: Contract) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for offer in contract.offers:
        data = _ref(f"components/schemas/{offer.key}")
        found[offer.key] = dict(offer.schema)
        found[f"{offer.key}.document"] = document_schema(contract, offer, data)
    documents = [_ref(f"components/schemas/{offer.key}.document") for offer in contract.offers if offer.is_numbered]
    found["page"] = {
        "type": "object",
        "required": ["events", "next", "last", "at"],
        "properties": {
            "events": {"type": "array", "items": {"anyOf": documents}, "description": "In the order of their numbers."},
            "next": {"type": "integer", "description": "The number after which the next page begins."},
            "last": {"type": "integer", "description": "The number of the last delivery that there is."},
            "at": {"type": "string", "format": "date-time", "description": "When this was so."},
        },
    }
    found["receipt"] = _RECEIPT
    return found


def _ref(path: str) -> dict[str, Any]:
    return {"$ref": f"#/{path}"}
