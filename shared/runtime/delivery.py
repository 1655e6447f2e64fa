"""A message as the broker hands it over: read as an event, or kept so that it can be sent again."""

import json
from base64 import b64decode, b64encode
from typing import Any

from amqp import Message

from shared.events import Event, from_amqp

_PERSISTENT = 2


def read(message: Any) -> Event:
    """Return the event of a message.

    Raises:
        Unreadable: it is none.
    """
    event = from_amqp(_headers(message), message.body, message.properties.get("content_type"))
    _ = event.data  # a body that is no JSON object is noticed here, not in the middle of a batch
    return event


def pack(message: Any) -> bytes:
    """Return a message as bytes: its body, and of its headers the texts; an event has no others."""
    body = message.body.encode() if isinstance(message.body, str) else bytes(message.body)
    kept = {
        "body": b64encode(body).decode(),
        "content_type": message.properties.get("content_type"),
        "headers": {
            name: value
            for name, value in (_headers(message) or {}).items()
            if isinstance(name, str) and isinstance(value, str)
        },
    }
    return json.dumps(kept).encode()  # in ASCII: what came need not be Unicode


def unpack(packed: bytes) -> Message:
    """Return a message to be sent, from what `pack` made."""
    kept = json.loads(packed)
    return Message(
        b64decode(kept["body"]),
        content_type=kept["content_type"],
        application_headers=kept["headers"],
        delivery_mode=_PERSISTENT,
    )


def _headers(message: Any) -> Any:
    return message.properties.get("application_headers")
