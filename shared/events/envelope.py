"""The envelope of an event: a CloudEvents 1.0 event, as an AMQP message or as one JSON document.

On the bus (binary mode) the body is the data as it was published and every attribute is a text header
`cloudEvents_<name>`; in exports (structured mode) attributes and data are one JSON object. Nothing that is raised
here ever holds a value of a header or a piece of a body: an error may be logged, they may not.

https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/bindings/amqp-protocol-binding.md
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson

#: Prefix of the headers that this house writes. The standard's own (`cloudEvents:`) is also read.
PREFIX = "cloudEvents_"
STANDARD_PREFIX = "cloudEvents:"
CONTENT_TYPE = "application/json"

#: Width of `sequence`: the extension wants texts whose order is the order of the numbers.
SEQUENCE_DIGITS = 16

_SCHEMA_PREFIX = "urn:niangjia:event:"
_ZERO = timedelta(0)
_JSON = re.compile(r"application/json(\s*;\s*charset\s*=\s*\"?utf-8\"?)?\s*", re.IGNORECASE)
_VISIBLE = r"[\x21-\x7e]{1,255}"

#: What each attribute must look like. Visible ASCII only: no name in Chinese letters fits into an id.
_FORMS = {
    name: re.compile(form, re.ASCII)
    for name, form in {
        "specversion": r"1\.0",
        "id": _VISIBLE,
        "source": r"/[a-z][a-z0-9_-]{0,62}",
        "type": r"[a-z][a-z0-9_]{0,62}\.[a-z][a-z0-9_]{0,62}",
        "time": r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)",
        "subject": _VISIBLE,
        "dataschema": r"urn:niangjia:event:[a-z0-9_.]{1,130}:[1-9][0-9]{0,5}",
        "sequence": r"[0-9]{1,18}",
        "correlationid": _VISIBLE,
        "causationid": _VISIBLE,
    }.items()
}
_TRACEPARENT = re.compile(r"[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")


class Unreadable(Exception):
    """A message that is no event of this house; the reason names the attribute, never a value of it."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One event as it travels. Compares equal when every attribute and the bytes of the body are."""

    #: UUIDv7, unique in the house.
    id: str
    #: Name of the service that published it (on the wire "/intake").
    source: str
    #: Name in the catalogue, also the routing key.
    type: str
    #: Version of the type's schema, from 1.
    version: int
    #: When it happened (UTC), not when it was stored.
    time: datetime
    #: Id of what it is about. Events of one subject keep their order.
    subject: str
    #: Place in the gapless numbering of its source, from 1.
    sequence: int
    #: The case it belongs to; empty when it belongs to none.
    correlation: str
    #: Id of the message that caused it.
    causation: str
    #: W3C trace context.
    traceparent: str | None = None
    #: The data as published: one JSON object in UTF-8. Not part of the `repr`, so that it reaches no log.
    body: bytes = field(repr=False)
    _data: dict[str, Any] | None = field(init=False, default=None, repr=False, compare=False)

    def __post_init__(self) -> None:
        if self.time.utcoffset() != _ZERO:
            raise ValueError("the time of an event must be in UTC")

    @property
    def data(self) -> Mapping[str, Any]:
        """The decoded body; decoded once, when first asked for. Not to be changed.

        Raises:
            Unreadable: the body is not a JSON object.
        """
        if self._data is None:
            object.__setattr__(self, "_data", _decoded(self.body))
        return self._data or {}


def schema_uri(type: str, version: int) -> str:
    """Return the name of an event's schema (`dataschema`): stable, and resolved nowhere."""
    return f"{_SCHEMA_PREFIX}{type}:{version}"


def to_amqp(event: Event) -> tuple[dict[str, str], dict[str, Any]]:
    """Return the headers and the message properties of an event; its `body` is published as it is."""
    headers = {
        "cloudEvents_specversion": "1.0",
        "cloudEvents_id": event.id,
        "cloudEvents_source": f"/{event.source}",
        "cloudEvents_type": event.type,
        "cloudEvents_time": event.time.isoformat()[:-6] + "Z",
        "cloudEvents_subject": event.subject,
        "cloudEvents_dataschema": schema_uri(event.type, event.version),
        "cloudEvents_sequence": str(event.sequence).zfill(SEQUENCE_DIGITS),
        "cloudEvents_causationid": event.causation,
    }
    if event.correlation:
        headers["cloudEvents_correlationid"] = event.correlation
    if event.traceparent:
        headers["cloudEvents_traceparent"] = event.traceparent
    properties = {
        "content_type": CONTENT_TYPE,
        "content_encoding": "utf-8",
        "delivery_mode": 2,
        "message_id": event.id,
        "type": event.type,
    }
    return headers, properties


def from_amqp(headers: Mapping[str, object] | None, body: bytes | str, content_type: str | None) -> Event:
    """Return the event of a message; other headers are passed over, the body is decoded only by `Event.data`.

    Raises:
        Unreadable: an attribute is missing or malformed, or the content is not JSON.
    """
    if content_type != CONTENT_TYPE and not (isinstance(content_type, str) and _JSON.fullmatch(content_type)):
        raise Unreadable("the content type is not application/json")
    if not headers:
        raise Unreadable("there are no headers")
    prefix = PREFIX if "cloudEvents_id" in headers else STANDARD_PREFIX
    return _read(headers, prefix, _bytes(body))


def to_structured(event: Event) -> dict[str, Any]:
    """Return an event as one JSON object (structured mode), attributes first.

    Raises:
        Unreadable: the body is not a JSON object.
    """
    headers, _ = to_amqp(event)
    document: dict[str, Any] = {name.removeprefix(PREFIX): value for name, value in headers.items()}
    document["datacontenttype"] = CONTENT_TYPE
    document["data"] = event.data
    return document


def from_structured(document: Mapping[str, object]) -> Event:
    """Return the event of a JSON object in structured mode; its data is encoded again.

    Raises:
        Unreadable: an attribute is missing or malformed, or there is no data.
    """
    if document.get("datacontenttype", CONTENT_TYPE) != CONTENT_TYPE:
        raise Unreadable("datacontenttype is not application/json")
    data = document.get("data")
    if not isinstance(data, dict):
        raise Unreadable("data is not a JSON object")
    try:
        body = orjson.dumps(data)
    except TypeError:
        body = b""
    if not body:
        raise Unreadable("data is not JSON")
    return _read(document, "", body)


def _read(attributes: Mapping[str, object], prefix: str, body: bytes) -> Event:
    _text(attributes, prefix, "specversion")
    name = _text(attributes, prefix, "type")
    return Event(
        id=_text(attributes, prefix, "id"),
        source=_text(attributes, prefix, "source")[1:],
        type=name,
        version=_version(_text(attributes, prefix, "dataschema"), name),
        time=_time(_text(attributes, prefix, "time")),
        subject=_text(attributes, prefix, "subject"),
        sequence=int(_text(attributes, prefix, "sequence")),
        correlation=_text(attributes, prefix, "correlationid", required=False),
        causation=_text(attributes, prefix, "causationid"),
        traceparent=_traceparent(attributes.get(f"{prefix}traceparent")),
        body=body,
    )


def _text(attributes: Mapping[str, object], prefix: str, name: str, *, required: bool = True) -> str:
    value = attributes.get(prefix + name)
    if isinstance(value, str):
        if _FORMS[name].fullmatch(value):
            return value
        raise Unreadable(f"{name} is malformed")
    if value is not None:
        raise Unreadable(f"{name} is not a text")
    if required:
        raise Unreadable(f"{name} is missing")
    return ""


def _version(uri: str, type: str) -> int:
    name, _, version = uri[len(_SCHEMA_PREFIX) :].rpartition(":")
    if name != type:
        raise Unreadable("dataschema is of another type")
    return int(version)


def _time(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text).astimezone(UTC)
    except (ValueError, OverflowError):
        pass  # what was caught quotes the text, so it must not become the context of the error
    raise Unreadable("time is not a time")


def _traceparent(value: object) -> str | None:
    # A trace that cannot be read starts anew (W3C trace context, 3.2.2.3); it is no reason to lose an event.
    return value if isinstance(value, str) and _TRACEPARENT.fullmatch(value) else None


def _bytes(body: bytes | str) -> bytes:
    if not isinstance(body, str):
        return bytes(body)
    try:
        return body.encode()
    except UnicodeEncodeError:
        pass
    raise Unreadable("the body is not UTF-8")


def _decoded(body: bytes) -> dict[str, Any]:
    try:
        data = orjson.loads(body)
    except orjson.JSONDecodeError:
        data = None  # the error holds the document; it must not become the context of what is raised
    if not isinstance(data, dict):
        raise Unreadable("the body is not a JSON object")
    return data
