"""The published language: the envelope of events, the catalogue of what may travel in it, and its codes."""

from shared.events.catalogue import (
    CATALOGUE,
    Catalogue,
    InvalidEvent,
    UnknownEvent,
    UnknownVersion,
    check,
    consume,
    event_type,
    listeners_of,
)
from shared.events.declaration import EventType, Publisher
from shared.events.envelope import Event, Unreadable, from_amqp, from_structured, schema_uri, to_amqp, to_structured

__all__ = [
    "CATALOGUE",
    "Catalogue",
    "Event",
    "EventType",
    "InvalidEvent",
    "Publisher",
    "UnknownEvent",
    "UnknownVersion",
    "Unreadable",
    "check",
    "consume",
    "event_type",
    "from_amqp",
    "from_structured",
    "listeners_of",
    "schema_uri",
    "to_amqp",
    "to_structured",
]
