"""Facts about deliveries, and what follows from them."""

from collections.abc import Mapping
from datetime import datetime
from hashlib import sha256
from typing import Any, cast

from msgspec.structs import replace

from services.feed.agency import Agency
from services.feed.agreement import Grant, narrowed
from services.feed.delivery import RECALLED, Copies, Delivery, delivery_id
from services.feed.envelope import body
from shared.kernel import Conflict, Fact, Message, NotFound, Ref, Shelf
from shared.rules import iso


def active(shelf: Shelf, name: str) -> Agency:
    """Return an agency that may receive.

    Raises:
        NotFound: there is none of this name.
        Conflict: it is suspended or was removed.
    """
    agency = known(shelf, name)
    if not agency.is_active:
        raise Conflict("agency-not-active", f"This agency is {agency.status}.", field="agency")
    return agency


def known(shelf: Shelf, name: str) -> Agency:
    """Return an agency of whatever status.

    Raises:
        NotFound: there is none of this name.
    """
    agency: Agency | None = shelf.get("agency", name)
    if agency is None:
        raise NotFound("agency-unknown", "there is no agency with this name", field="agency")
    return agency


def made(agency: Agency, message: Message, grant: Grant, data: Mapping[str, Any]) -> Fact:
    """Return the delivery of an event under an agency's next number."""
    return _fact(
        message,
        Delivery(
            **_address(agency),
            event_id=message.identifier("delivery", agency.id),
            type=message.type,
            version=1,
            time=message.time,
            subject="" if grant.form == "empty" else message.subject,
            form=grant.form,
            data=dict(data),
            fields=grant.fields,
            purpose=data.get("purpose", grant.purpose),
            basis=data.get("basis", grant.bases[0]),
            case_id=message.case,
            referral_id=data.get("referral_id", ""),
            identity=grant.identity,
            seal="wanted" if grant.identity and agency.private.public_key else "",
        ),
    )


def replayed(agency: Agency, message: Message, first: Delivery, grant: Grant | None) -> Fact | None:
    """Return a delivery again, under a new number, with what is granted today; None where nothing is."""
    again = replace(first, **_address(agency), replay_of=first.number, receipts={})
    if first.type == RECALLED:
        return _fact(message, again)
    if grant is None or first.closed == "erased":
        return None
    identity = () if first.closed else narrowed(first.identity, grant)
    return _fact(
        message,
        replace(
            again,
            form=grant.form,
            fields=grant.fields,
            subject="" if grant.form == "empty" else first.subject,
            identity=identity,
            seal="wanted" if identity and agency.private.public_key else "",
        ),
    )


def recall(agency: Agency, message: Message, numbers: tuple[int, ...], why: str) -> Fact:
    """Return the message by which an agency is asked to use no longer what it got under some numbers."""
    return _fact(
        message,
        Delivery(
            **_address(agency),
            event_id=message.identifier("recall", agency.id),
            type=RECALLED,
            version=1,
            time=message.time,
            form="fields",
            case_id=message.case,
            recalls=numbers,
            why=why,
        ),
    )


def receipted(agency: Agency, message: Message, delivery: Delivery) -> Fact:
    """Return the receipt for a delivery."""
    data = {
        "agency": agency.kind,
        "name": agency.id,
        "number": delivery.number,
        "receipt": message.data["receipt"],
        "referral_id": delivery.referral_id or None,
        "case_id": delivery.case_id or None,
        "at": iso(message.time),
    }
    return _about(message, delivery, "receipt.recorded", data)


def sealed(message: Message, delivery: Delivery) -> Fact:
    """Return that identity was sealed, or withheld."""
    outcome, jwe = (delivery.closed, "") if delivery.closed else (message.data["outcome"], message.data["jwe"])
    digest = sha256(body(delivery, jwe)).hexdigest()
    data = {"agency": delivery.agency, "number": delivery.number, "outcome": outcome, "digest": digest}
    return _about(message, delivery, "delivery.sealed", data, {"jwe": jwe} if jwe else {})


def evolve(shelf: Shelf, fact: Fact) -> None:
    """Put onto the shelf what follows from a fact about deliveries."""
    if fact.type == "delivery.made":
        _evolve_made(shelf, fact)
    elif fact.type == "delivery.sealed":
        _evolve_sealed(shelf, fact)
    elif fact.type == "receipt.recorded":
        delivery = _of(shelf, fact.data["name"], fact.data["number"])
        receipts = {**delivery.receipts, fact.data["receipt"]: datetime.fromisoformat(fact.data["at"])}
        _put(shelf, replace(delivery, receipts=receipts))
    elif fact.type == "copy.destroyed":
        _evolve_destroyed(shelf, fact)


def _evolve_made(shelf: Shelf, fact: Fact) -> None:
    data = fact.data
    delivery = Delivery(
        id=delivery_id(data["agency"], data["number"]),
        agency=data["agency"],
        number=data["number"],
        event_id=data["event_id"],
        type=data["type"],
        version=data["version"],
        time=datetime.fromisoformat(data["happened_at"]),
        subject=data["about"] or "",
        form=data["form"],
        data=dict(fact.private.get("content", {})),
        fields=tuple(data["chosen"]),
        purpose=data["purpose"] or "",
        basis=data["basis"] or "",
        case_id=data["case_id"] or "",
        referral_id=data["referral_id"] or "",
        identity=tuple(data["identity"]),
        seal=data["seal"],
        replay_of=data["replay_of"],
        recalls=tuple(data["recalls"]),
        why=data["why"],
        digest=data["digest"],
    )
    _put(shelf, delivery)
    agency = cast(Agency, shelf.get("agency", delivery.agency))
    shelf.put(Ref("agency", agency.id), replace(agency, last=delivery.number))
    for number in () if delivery.replay_of else delivery.recalls:
        _put(shelf, replace(_of(shelf, delivery.agency, number), closed=delivery.why))


def _evolve_sealed(shelf: Shelf, fact: Fact) -> None:
    data = fact.data
    delivery = _of(shelf, data["agency"], data["number"])
    _put(shelf, replace(delivery, seal=data["outcome"], digest=data["digest"]))
    if jwe := fact.private.get("jwe"):
        copies: Copies = shelf.get("copies", fact.case) or Copies(id=fact.case)
        shelf.put(Ref("copies", copies.id), replace(copies, private={**copies.private, delivery.id: jwe}))


def _evolve_destroyed(shelf: Shelf, fact: Fact) -> None:
    """Leave of an erased case the numbers and hashes of what was delivered."""
    case_id = fact.data["case_id"]
    for name in fact.data["agencies"]:
        agency = cast(Agency, shelf.get("agency", name))
        shelf.put(Ref("agency", name), replace(agency, epoch=agency.epoch + 1))
    for delivery in shelf.find(f"case {case_id}"):
        _put(shelf, replace(delivery, data={}, closed="" if delivery.recalls else "erased"))
    shelf.put(Ref("copies", case_id), Copies(id=case_id, erased=True))


def _fact(message: Message, delivery: Delivery) -> Fact:
    return _about(
        message,
        delivery,
        "delivery.made",
        {
            "agency": delivery.agency,
            "number": delivery.number,
            "event_id": delivery.event_id,
            "type": delivery.type,
            "version": delivery.version,
            "happened_at": iso(delivery.time),
            "about": delivery.subject or None,
            "form": delivery.form,
            "chosen": list(delivery.fields),
            "purpose": delivery.purpose or None,
            "basis": delivery.basis or None,
            "case_id": delivery.case_id or None,
            "referral_id": delivery.referral_id or None,
            "identity": list(delivery.identity),
            "seal": delivery.seal,
            "replay_of": delivery.replay_of,
            "recalls": list(delivery.recalls),
            "why": delivery.why,
            "digest": sha256(body(delivery)).hexdigest(),
        },
        {"content": delivery.data} if delivery.data else {},
    )


def _about(
    message: Message, delivery: Delivery, type: str, data: Mapping[str, Any], private: Mapping[str, Any] | None = None
) -> Fact:
    return Fact(
        type=type,
        subject=delivery.agency,
        case=delivery.case_id,
        time=message.time,
        data=data,
        private=private or {},
    )


def _address(agency: Agency) -> dict[str, Any]:
    number = agency.last + 1
    return {"id": delivery_id(agency.id, number), "agency": agency.id, "number": number}


def _of(shelf: Shelf, agency: str, number: int) -> Delivery:
    return cast(Delivery, shelf.get("delivery", delivery_id(agency, number)))


def _put(shelf: Shelf, delivery: Delivery) -> None:
    shelf.put(Ref("delivery", delivery.id), delivery)
