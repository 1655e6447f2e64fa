"""Commands about subscriptions, and what follows from them."""

from collections.abc import Callable, Mapping
from typing import Any, Final, cast

from msgspec.structs import replace

from services.feed.agency import Agency, Secrets, Status, Webhook
from services.feed.delivering import active, known
from shared.kernel import Conflict, Decision, Fact, Message, Ref, Shelf

#: Keys and secrets of an agency that count at the same time.
AT_ONCE: Final = 2


def _add(shelf: Shelf, message: Message) -> Decision:
    """Let an agency receive; the name of one that was removed may be used again and goes on counting."""
    data = message.data
    before: Agency | None = shelf.get("agency", data["agency"])
    if before is not None and before.status is not Status.REMOVED:
        raise Conflict("agency-exists", f"An agency named {before.id} is there already.", field="name")
    opened = {
        "agency": data["agency"],
        "kind": data["agreement"]["agency"],
        "districts": list(data["districts"]),
        "keys": [data["key"]],
        "stream": data["stream"],
        "federation": bool(data["federated_to"]),
        "webhook": bool(data["webhook_url"]),
        "sandbox": data["sandbox"],
    }
    secret = {
        "agreement": data["agreement"],
        "broker_password_hash": data["broker_password_hash"],
        "webhook_url": data["webhook_url"],
        "webhook_secrets": [data["webhook_secret"]] if data["webhook_url"] else [],
        "federated_to": data["federated_to"],
        "public_key": data["public_key"],
    }
    yield _fact(message, "subscription.opened", opened, secret)
    return None


def _suspend(shelf: Shelf, message: Message) -> Decision:
    if active_or_suspended(shelf, message).status is Status.ACTIVE:
        yield _fact(message, "subscription.suspended")
    return None


def _resume(shelf: Shelf, message: Message) -> Decision:
    if active_or_suspended(shelf, message).status is Status.SUSPENDED:
        yield _fact(message, "subscription.resumed")
    return None


def _rekey(shelf: Shelf, message: Message) -> Decision:
    """Give an agency new keys; the old ones count for a while, unless they must end `now`."""
    agency = active_or_suspended(shelf, message)
    data, private = message.data, agency.private
    kept = 1 if data["now"] else AT_ONCE
    keys = (data["key"], *agency.keys)[:kept]
    secrets = (data["webhook_secret"], *private.webhook_secrets)[:kept] if private.webhook_url else ()
    secret = {"broker_password_hash": data["broker_password_hash"], "webhook_secrets": list(secrets)}
    yield _fact(message, "subscription.rekeyed", {"agency": agency.id, "keys": list(keys)}, secret)
    return None


def _remove(shelf: Shelf, message: Message) -> Decision:
    if known(shelf, message.data["agency"]).status is not Status.REMOVED:
        yield _fact(message, "subscription.closed")
    return None


def _stop_calling(shelf: Shelf, message: Message) -> Decision:
    agency = known(shelf, message.data["agency"])
    if agency.webhook is Webhook.ON:
        failed = {"agency": agency.id, "number": message.data["number"], "why": message.data["why"]}
        yield _fact(message, "delivery.failed", failed)
    return None


def _call_again(shelf: Shelf, message: Message) -> Decision:
    agency = active(shelf, message.data["agency"])
    if agency.webhook is Webhook.NONE:
        raise Conflict("no-webhook", "This agency was added without a webhook.", field="agency")
    if agency.webhook is Webhook.GIVEN_UP:
        yield _fact(message, "subscription.called_again")
    return None


COMMANDS: Final[Mapping[str, Callable[[Shelf, Message], Decision]]] = {
    "add_agency": _add,
    "suspend_agency": _suspend,
    "resume_agency": _resume,
    "rekey_agency": _rekey,
    "remove_agency": _remove,
    "stop_calling": _stop_calling,
    "call_again": _call_again,
}

#: What these commands yield.
FACTS: Final = frozenset(
    {
        "subscription.opened",
        "subscription.suspended",
        "subscription.resumed",
        "subscription.closed",
        "subscription.rekeyed",
        "subscription.called_again",
        "delivery.failed",
    }
)


def active_or_suspended(shelf: Shelf, message: Message) -> Agency:
    """Return the agency that a command names.

    Raises:
        NotFound: there is none of this name.
        Conflict: it was removed.
    """
    agency = known(shelf, message.data["agency"])
    if agency.status is Status.REMOVED:
        raise Conflict("agency-removed", "This agency was removed; add it again.", field="agency")
    return agency


def evolve(shelf: Shelf, fact: Fact) -> None:
    """Put onto the shelf what follows from a fact about a subscription."""
    if fact.type == "subscription.opened":
        agency = _opened(shelf.get("agency", fact.subject), fact)
    else:
        agency = _changed(cast(Agency, shelf.get("agency", fact.subject)), fact)
    shelf.put(Ref("agency", agency.id), agency)


def _opened(before: Agency | None, fact: Fact) -> Agency:
    data, secret = fact.data, fact.private
    return Agency(
        id=data["agency"],
        kind=data["kind"],
        districts=tuple(data["districts"]),
        status=Status.ACTIVE,
        opened_at=fact.time,
        last=before.last if before else 0,
        since=before.last if before else 0,
        keys=tuple(data["keys"]),
        rekeyed_at=fact.time,
        webhook=Webhook.ON if data["webhook"] else Webhook.NONE,
        stream=data["stream"],
        sandbox=data["sandbox"],
        epoch=before.epoch if before else 0,
        private=Secrets(
            agreement=dict(secret["agreement"]),
            broker_password_hash=secret["broker_password_hash"],
            webhook_url=secret["webhook_url"],
            webhook_secrets=tuple(secret["webhook_secrets"]),
            federated_to=secret["federated_to"],
            public_key=secret["public_key"],
        ),
    )


def _changed(agency: Agency, fact: Fact) -> Agency:
    match fact.type:
        case "subscription.suspended":
            return replace(agency, status=Status.SUSPENDED)
        case "subscription.resumed":
            return replace(agency, status=Status.ACTIVE)
        case "subscription.closed":
            return replace(agency, status=Status.REMOVED, keys=(), webhook=Webhook.NONE, private=Secrets())
        case "delivery.failed":
            return replace(agency, webhook=Webhook.GIVEN_UP)
        case "subscription.called_again":
            return replace(agency, webhook=Webhook.ON)
        case "subscription.rekeyed":
            private = replace(
                agency.private,
                broker_password_hash=fact.private["broker_password_hash"],
                webhook_secrets=tuple(fact.private["webhook_secrets"]),
            )
            return replace(agency, keys=tuple(fact.data["keys"]), rekeyed_at=fact.time, private=private)
    raise ValueError(fact.type)


def _fact(
    message: Message, type: str, data: Mapping[str, Any] | None = None, secret: Mapping[str, Any] | None = None
) -> Fact:
    name = message.data["agency"]
    return Fact(
        type=type, subject=name, case="", time=message.time, data=data or {"agency": name}, private=secret or {}
    )
