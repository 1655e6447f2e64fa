"""A delivery as it goes out: a CloudEvent, binary on AMQP, one JSON document everywhere else.

The number of the agency's own sequence is the `sequence`; `dataref` says where identity can be fetched (the claim
check); `replayof` is the number of the first delivery of a replay.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

import orjson

from services.feed.agreement import picked
from services.feed.delivery import HEARTBEAT, RECALLED, WITHHELD, Delivery
from shared.rules import iso

CONTENT_TYPE: Final = "application/json"
STRUCTURED: Final = "application/cloudevents+json"
#: Where a sealed identity stands in the data.
SEALED: Final = "sealed"
_PREFIX: Final = "cloudEvents_"
_SEQUENCE_DIGITS: Final = 16
#: Their forms are the feed's own, not the agreement's.
_OWN: Final = frozenset({RECALLED, WITHHELD, HEARTBEAT})


def schema_uri(agency: str, type: str, version: int) -> str:
    """Return the name of the schema of what an agency gets of an event: part of its contract page."""
    return f"urn:niangjia:feed:{'all' if type in _OWN else agency}:{type}:{version}"


def content(delivery: Delivery, sealed: str = "") -> dict[str, Any]:
    """Return the data that goes out: what the agreement chose, and nothing else."""
    if delivery.type == RECALLED:
        return {"numbers": list(delivery.recalls), "reason": delivery.why}
    if delivery.form != "fields":
        return {}
    return {**picked(delivery.data, delivery.fields), **({SEALED: sealed} if sealed else {})}


def body(delivery: Delivery, sealed: str = "") -> bytes:
    """Return the bytes of the data."""
    return orjson.dumps(content(delivery, sealed))


def attributes(delivery: Delivery, url: str) -> dict[str, str]:
    """Return the attributes by their CloudEvents names.

    Args:
        url: where partners reach the feed, without a slash at the end.
    """
    found = {
        "specversion": "1.0",
        "id": delivery.event_id,
        "source": f"/feeds/{delivery.agency}",
        "type": delivery.type,
        "time": iso(delivery.time),
        "dataschema": schema_uri(delivery.agency, delivery.type, delivery.version),
        "sequence": str(delivery.number).zfill(_SEQUENCE_DIGITS),
    }
    if delivery.subject:
        found["subject"] = delivery.subject
    if delivery.identity:
        found["dataref"] = f"{url}/feeds/{delivery.agency}/deliveries/{delivery.number}/fields"
    if delivery.replay_of:
        found["replayof"] = str(delivery.replay_of).zfill(_SEQUENCE_DIGITS)
    return found


def document(delivery: Delivery, url: str, sealed: str = "") -> dict[str, Any]:
    """Return the delivery as one JSON object, attributes first."""
    return {**attributes(delivery, url), "datacontenttype": CONTENT_TYPE, "data": content(delivery, sealed)}


def structured(delivery: Delivery, url: str, sealed: str = "") -> bytes:
    """Return the delivery as the bytes of one JSON object."""
    return orjson.dumps(document(delivery, url, sealed))


def amqp(attributes: Mapping[str, str]) -> tuple[dict[str, str], dict[str, Any]]:
    """Return the headers and the message properties for attributes; the body is published beside them."""
    properties = {
        "content_type": CONTENT_TYPE,
        "content_encoding": "utf-8",
        "delivery_mode": 2,
        "message_id": attributes["id"],
        "type": attributes["type"],
    }
    return {f"{_PREFIX}{name}": value for name, value in attributes.items()}, properties


def heartbeat(agency: str, last: int, at: datetime) -> dict[str, Any]:
    """Return a heartbeat as one JSON object: nothing happened after number `last`, and nothing is broken."""
    return {
        "specversion": "1.0",
        "id": f"{agency}-alive-{int(at.timestamp() * 1000)}",
        "source": f"/feeds/{agency}",
        "type": HEARTBEAT,
        "time": iso(at),
        "dataschema": schema_uri(agency, HEARTBEAT, 1),
        "datacontenttype": CONTENT_TYPE,
        "data": {"last": last},
    }
