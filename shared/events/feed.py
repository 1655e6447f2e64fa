"""The events that feed publishes: who subscribes to what, what was delivered to whom, and what became of it."""

from shared.events.case import CASE_ID
from shared.events.declaration import Publisher
from shared.events.fields import Code, Count, Data, Flag, Id, ListOf, OpenCode, Pattern, Time, codes
from shared.events.referral import REFERRAL_ID
from shared.events.vocabulary import AGENCIES, BASES, IDENTITY_FIELDS, RECEIPTS, STATISTICS

publisher = Publisher("feed")

#: What an agency does not know of itself stays with the feed.
_OWN_RECORD = "Feed's own record; nobody has to act on it."
_MOST = 10**12
_DIGEST = r"[0-9a-f]{64}"
#: With at most six digits no telephone number is one.
_NAME = r"(?!([^0-9]*[0-9]){7})[a-z][a-z0-9-]{0,30}"


class Name(Pattern):
    """The name under which an agency subscribes."""

    def __init__(self) -> None:
        super().__init__(_NAME, "the name of a subscriber")


class KeyId(Pattern):
    """The id of a key, which is no secret."""

    def __init__(self) -> None:
        super().__init__(r"k[0-9a-f]{8}", "the id of a key")


@publisher.event(
    "subscription.opened",
    version=1,
    reason=_OWN_RECORD,
    example={
        "agency": "wenzhou-police",
        "kind": "police",
        "districts": ["3303"],
        "keys": ["k1f0c9a3e"],
        "stream": True,
        "federation": False,
        "webhook": False,
        "sandbox": False,
    },
)
class SubscriptionOpened(Data):
    """An agency may receive what its agreement says, from now on."""

    agency = Name()
    kind = Code((*AGENCIES, STATISTICS))
    districts = ListOf(Pattern(r"[0-9]{2}([0-9]{2}([0-9]{2})?)?", "a district down to the county"))
    keys = ListOf(KeyId())
    stream = Flag(about="It has a stream at the broker.")
    federation = Flag(about="Its own broker may link to its exchange.")
    webhook = Flag(about="It is called by HTTP.")
    sandbox = Flag(about="It gets invented events only.")


class _OfOne(Data):
    agency = Name()


@publisher.event("subscription.suspended", version=1, reason=_OWN_RECORD, example={"agency": "wenzhou-police"})
class SubscriptionSuspended(_OfOne):
    """An agency receives nothing and can read nothing until it is resumed."""


@publisher.event("subscription.resumed", version=1, reason=_OWN_RECORD, example={"agency": "wenzhou-police"})
class SubscriptionResumed(_OfOne):
    """A suspended agency receives again."""


@publisher.event("subscription.closed", version=1, reason=_OWN_RECORD, example={"agency": "wenzhou-police"})
class SubscriptionClosed(_OfOne):
    """An agency was removed."""


@publisher.event(
    "subscription.rekeyed",
    version=1,
    reason=_OWN_RECORD,
    example={"agency": "wenzhou-police", "keys": ["k77aa01b2", "k1f0c9a3e"]},
)
class SubscriptionRekeyed(Data):
    """An agency got new keys; the second of two counts for a while."""

    agency = Name()
    keys = ListOf(KeyId())


@publisher.event(
    "subscription.called_again",
    version=1,
    reason=_OWN_RECORD,
    example={"agency": "wenzhou-police"},
)
class SubscriptionCalledAgain(_OfOne):
    """An agency whose webhook was given up is called again."""


@publisher.event(
    "delivery.made",
    version=1,
    reason=_OWN_RECORD,
    example={
        "agency": "wenzhou-justice",
        "number": 17,
        "event_id": "019cabd8-3f40-7c11-9d22-7b6a5c4d3e2f",
        "type": "referral.requested",
        "version": 1,
        "happened_at": "2026-03-02T01:14:00Z",
        "about": REFERRAL_ID,
        "form": "fields",
        "chosen": ["referral_id", "purpose", "finish_by"],
        "purpose": "legal_aid",
        "basis": "consent",
        "case_id": CASE_ID,
        "referral_id": REFERRAL_ID,
        "identity": ["client.name", "client.phone"],
        "seal": "",
        "replay_of": 0,
        "recalls": [],
        "why": "",
        "digest": "0a" * 32,
    },
)
class DeliveryMade(Data):
    """An agency gets a numbered message: an event, a replay of one, or a recall."""

    agency = Name()
    number = Count(to=_MOST)
    event_id = Id()
    type = Pattern(r"[a-z_]{1,40}\.[a-z_]{1,40}", "the name of an event")
    version = Count(to=999)
    happened_at = Time()
    about = Id(null=True)
    form = Code(("empty", "id", "fields"))
    chosen = ListOf(Pattern(r"[a-z_]{1,40}(\.[a-z_]{1,40}){0,4}", "the name of a field"))
    purpose = OpenCode(null=True)
    basis = Code(BASES, null=True)
    case_id = Id(null=True)
    referral_id = Id(null=True)
    identity = codes(IDENTITY_FIELDS, about="What of the people in the case may be fetched, while it is allowed.")
    seal = Code(("", "wanted"), about="`wanted`: identity is to be sealed to the agency's key.")
    replay_of = Count(to=_MOST, about="The number of the first delivery; 0 where this is it.")
    recalls = ListOf(Count(to=_MOST), about="Numbers whose content is recalled; their identity cannot be fetched now.")
    why = Pattern(r"[a-z_]{0,40}", "a reason", about="Of a recall.")
    digest = Pattern(_DIGEST, "a SHA-256", about="Of the bytes that went out as data.")


@publisher.event(
    "delivery.sealed",
    version=1,
    reason=_OWN_RECORD,
    example={"agency": "wenzhou-justice", "number": 17, "outcome": "done", "digest": "0a" * 32},
)
class DeliverySealed(Data):
    """Identity was sealed to an agency's own key, or withheld."""

    agency = Name()
    number = Count(to=_MOST)
    outcome = OpenCode(("done", "withheld", "removed", "consent_withdrawn", "erased"))
    digest = Pattern(_DIGEST, "a SHA-256", about="Of the bytes that go out as data.")


@publisher.event(
    "delivery.failed",
    version=1,
    reason="An operator finds it in `niangjia agencies show` and calls the agency; the other two ways go on.",
    example={"agency": "wenzhou-justice", "number": 17, "why": "gave_up"},
)
class DeliveryFailed(Data):
    """A webhook did not take a delivery after the last try, or said that it is gone; it is not called any more."""

    agency = Name()
    number = Count(to=_MOST)
    why = OpenCode(("gave_up", "gone"))


@publisher.event(
    "copy.destroyed",
    version=1,
    reason=_OWN_RECORD,
    example={"case_id": CASE_ID, "agencies": ["wenzhou-justice"]},
)
class CopyDestroyed(Data):
    """The sealed identity of an erased case is gone from feed; streams that carried it are written anew."""

    case_id = Id()
    agencies = ListOf(Name())


@publisher.event(
    "receipt.recorded",
    version=1,
    listeners=("referral",),
    example={
        "agency": "justice",
        "name": "wenzhou-justice",
        "number": 17,
        "receipt": "received",
        "referral_id": REFERRAL_ID,
        "case_id": CASE_ID,
        "at": "2026-03-02T01:20:00Z",
    },
)
class ReceiptRecorded(Data):
    """An agency says that it has received a referral, or acted on it."""

    agency = Code((*AGENCIES, STATISTICS))
    name = Name()
    number = Count(to=_MOST)
    receipt = Code(RECEIPTS)
    referral_id = Id(null=True)
    case_id = Id(null=True)
    at = Time()
