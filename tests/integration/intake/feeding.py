"""Says what feed says, without feed."""

from datetime import UTC, datetime

import orjson
from kombu import Connection

from shared.events import Event, event_type, to_amqp
from shared.kernel import identifier
from tests.support.system import System

NOW = datetime(2026, 3, 3, tzinfo=UTC)


def receipt(house: System, case_id: str, referral_id: str, number: int) -> None:
    """Publish that an agency has received a referral."""
    declared = event_type("receipt.recorded")
    event = Event(
        id=identifier(NOW, case_id, str(number)),
        source="feed",
        type=declared.type,
        version=declared.version,
        time=NOW,
        subject=referral_id,
        sequence=number,
        correlation=case_id,
        causation="receipt",
        body=orjson.dumps({**declared.example, "case_id": case_id, "referral_id": referral_id}),
    )
    headers, properties = to_amqp(event)
    with Connection(house.amqp_uri) as connection:
        channel = connection.channel()
        channel.confirm_select()
        message = channel.prepare_message(
            event.body,
            content_type=properties["content_type"],
            content_encoding=properties["content_encoding"],
            headers=headers,
        )
        exchange = house.settings("referral").exchange("feed")
        channel.basic_publish_confirm(message, exchange=exchange, routing_key=event.type)
