"""What an agency may still read of a delivery, on the day on which it reads."""

from datetime import date
from typing import Any, Final

from msgspec.structs import replace

from services.feed.agency import Agency
from services.feed.agreement import FORMS, Agreement, Grant, narrowed, read
from services.feed.delivery import RECALLED, WITHHELD, Delivery

_ERASED: Final = "erased"


class Permissions:
    """Agreements as they are now, each understood once."""

    def __init__(self) -> None:
        self._agreements: dict[str, tuple[dict[str, Any], Agreement]] = {}

    def agreement(self, agency: Agency) -> Agreement:
        """Return what an agency agreed to."""
        content = agency.private.agreement
        known = self._agreements.get(agency.id)
        if known is None or (known[0] is not content and known[0] != content):
            known = self._agreements[agency.id] = (content, read(content))
        return known[1]

    def readable(self, agency: Agency, delivery: Delivery, day: date) -> Delivery:
        """Return a delivery as it may be read on a day in China: never more than was delivered, and perhaps nothing.

        Of what is withheld the number stays, so that nobody takes it for lost.
        """
        if delivery.type == RECALLED and delivery.number > agency.since:
            return delivery
        grant = self.grant(agency, delivery, day)
        if grant is None or delivery.closed == _ERASED:
            return _withheld(delivery)
        form = min(delivery.form, grant.form, key=FORMS.index)
        identity = narrowed(delivery.identity, grant) if form == "fields" else ()
        return replace(
            delivery,
            form=form,
            subject="" if form == "empty" else delivery.subject,
            fields=tuple(name for name in delivery.fields if name in grant.fields) if form == "fields" else (),
            identity=identity,
            # What was sealed was sealed as a whole. A dataref stays, and says that it is closed.
            seal=delivery.seal if identity == delivery.identity and not delivery.closed else "",
        )

    def grant(self, agency: Agency, delivery: Delivery, day: date) -> Grant | None:
        """Return what today's agreement and districts grant of what a delivery tells; None where nothing."""
        data = delivery.data
        district = data.get("district") or (data.get("case") or {}).get("district")
        earlier = delivery.number <= agency.since
        if earlier or not agency.is_active or (district and not agency.covers(district)):
            return None
        return self.agreement(agency).grant(delivery.type, data, day)


def _withheld(delivery: Delivery) -> Delivery:
    return Delivery(
        id=delivery.id,
        agency=delivery.agency,
        number=delivery.number,
        event_id=delivery.event_id,
        type=WITHHELD,
        version=1,
        time=delivery.time,
        form="empty",
        replay_of=delivery.replay_of,
    )
