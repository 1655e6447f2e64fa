"""Feed's pure core: of each event, what its agreement grants each agency, under that agency's own number."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, ClassVar, Final

from services.feed import delivering, subscribing
from services.feed.agency import Agency
from services.feed.agreement import picked
from services.feed.delivery import Copies, Delivery, delivery_id
from services.feed.permission import Permissions
from services.feed.recalling import RECALLING, recalled
from shared.kernel import Conflict, Decision, Fact, Message, Model, NotFound, Ref, Shelf, Wanted
from shared.rules import china_day

REPLAY: Final = "replay"
RECEIPT: Final = "record_receipt"
SEAL: Final = "seal_delivery"
REHEARSE: Final = "rehearse"
#: Deliveries that one command sends again at most.
REPLAYED: Final = 500

_Decide = Callable[[Shelf, Message], Decision]


class FeedModel(Model):
    """Events that may be shared (`shareable`: by type, the dotted names of their public fields), and commands.

    `add_agency`, `suspend_agency`, `resume_agency`, `rekey_agency`, `remove_agency`, `stop_calling`, `call_again`
    (`subscribing`); `record_receipt` {"agency", "number", "receipt"}; `replay` {"agency", "from", "to"};
    `seal_delivery` {"agency", "number", "case_id", "outcome", "jwe"}; `rehearse` {"agency", "event"}.
    """

    name: ClassVar[str] = "feed"
    kinds: ClassVar[Mapping[str, type]] = {"agency": Agency, "delivery": Delivery, "copies": Copies}
    resident: ClassVar[frozenset[str]] = frozenset({"agency"})
    searched: ClassVar[frozenset[str]] = frozenset({"delivery"})

    def __init__(self, shareable: Mapping[str, frozenset[str]]) -> None:
        self._shareable = shareable
        self._permissions = Permissions()
        self._commands: Mapping[str, _Decide] = {
            **subscribing.COMMANDS,
            REPLAY: self._replay,
            RECEIPT: _receipt,
            SEAL: _seal,
            REHEARSE: self._rehearse,
        }

    def keys(self, ref: Ref, state: Any) -> Iterable[str]:
        return [f"case {state.case_id}"] if ref.kind == "delivery" and state.case_id else ()

    def wants(self, message: Message) -> Wanted:
        data = message.data
        if message.type in {RECEIPT, SEAL}:
            case = {Ref("copies", data["case_id"])} if message.type == SEAL else set()
            return Wanted(refs=frozenset({_ref(data["agency"], data["number"]), *case}))
        if message.type == REPLAY:
            numbers = range(data["from"], min(data["to"], data["from"] + REPLAYED - 1) + 1)
            return Wanted(refs=frozenset(_ref(data["agency"], number) for number in numbers))
        if not message.case:
            return Wanted()
        keys = {f"case {message.case}"} if message.type in RECALLING else set()
        return Wanted(refs=frozenset({Ref("copies", message.case)}), keys=frozenset(keys))

    def decide(self, shelf: Shelf, message: Message) -> Decision:
        """Yield the deliveries that follow from an event, or what a command changes.

        Raises:
            NotFound: a command names an agency or a number that is not there.
            Conflict: a command does not fit to what is there.
        """
        command = self._commands.get(message.type)
        if command is not None:
            return (yield from command(shelf, message))
        if message.type in self._shareable:
            yield from self._passed_on(shelf, message, [a for a in shelf.all("agency") if not a.sandbox])
        if message.type in RECALLING:
            yield from recalled(shelf, message)
        return None

    def evolve(self, shelf: Shelf, fact: Fact) -> None:
        if fact.type in subscribing.FACTS:
            subscribing.evolve(shelf, fact)
        else:
            delivering.evolve(shelf, fact)

    def erases(self, fact: Fact) -> Iterable[str]:
        """Return whose keys are destroyed with a fact."""
        return (fact.data["case_id"],) if fact.type == "copy.destroyed" else ()

    def _passed_on(self, shelf: Shelf, message: Message, agencies: Iterable[Agency]) -> Iterator[Fact]:
        copies: Copies | None = shelf.get("copies", message.case)
        if copies is not None and copies.erased:
            return  # what another service says of her later reaches nobody
        data = picked(message.data, self._shareable[message.type])
        day = china_day(message.time)
        for agency in sorted(agencies, key=lambda one: one.id):
            if not (agency.is_active and _concerns(shelf, agency, message, data)):
                continue
            grant = self._permissions.agreement(agency).grant(message.type, data, day)
            if grant is not None:
                yield delivering.made(agency, message, grant, data)

    def _rehearse(self, shelf: Shelf, message: Message) -> Decision:
        agency = delivering.active(shelf, message.data["agency"])
        if not agency.sandbox:
            raise Conflict("no-sandbox", "This agency gets real events; only a sandbox takes invented ones.")
        event = message.data["event"]
        invented = Message(
            id=message.id,
            type=event["type"],
            time=message.time,
            data=event["data"],
            subject=event["subject"],
            case=event["case"],
        )
        if invented.type in self._shareable:
            yield from self._passed_on(shelf, invented, [agency])
        return {"last": delivering.active(shelf, agency.id).last}

    def _replay(self, shelf: Shelf, message: Message) -> Decision:
        """Send again what the agreement of today grants; answer how far it came."""
        agency = delivering.active(shelf, message.data["agency"])
        first, last = message.data["from"], min(message.data["to"], message.data["from"] + REPLAYED - 1)
        day, sent = china_day(message.time), 0
        for number in range(first, last + 1):
            delivery: Delivery | None = shelf.get(*_ref(agency.id, number))
            if delivery is None or delivery.replay_of:
                continue
            grant = self._permissions.agreement(agency).grant(delivery.type, delivery.data, day)
            fact = delivering.replayed(delivering.active(shelf, agency.id), message, delivery, grant)
            if fact is not None:
                yield fact
                sent += 1
        return {"sent": sent, "next": last + 1, "last": delivering.active(shelf, agency.id).last}


def _concerns(shelf: Shelf, agency: Agency, message: Message, data: Mapping[str, Any]) -> bool:
    """Tell whether an event lies in an agency's districts; one without a district, whether it got the referral."""
    district = data.get("district") or data.get("case", {}).get("district")
    if district:
        return agency.covers(district)
    earlier: list[Delivery] = shelf.find(f"case {message.case}")
    return any(one.agency == agency.id and one.referral_id == data.get("referral_id") for one in earlier)


def _receipt(shelf: Shelf, message: Message) -> Decision:
    """Write down that an agency received something or acted on it; the first time counts."""
    data = message.data
    agency = delivering.active(shelf, data["agency"])
    delivery = _delivery(shelf, data["agency"], data["number"])
    if data["receipt"] not in delivery.receipts:
        yield delivering.receipted(agency, message, delivery)
    return {"number": delivery.number, "receipt": data["receipt"]}


def _seal(shelf: Shelf, message: Message) -> Decision:
    """Keep identity sealed to an agency's key, or why it was withheld."""
    delivery = _delivery(shelf, message.data["agency"], message.data["number"])
    if delivery.seal == "wanted":
        yield delivering.sealed(message, delivery)
    return None


def _delivery(shelf: Shelf, agency: str, number: int) -> Delivery:
    delivery: Delivery | None = shelf.get(*_ref(agency, number))
    if delivery is None:
        raise NotFound("delivery-unknown", "there is no delivery with this number", field="number")
    return delivery


def _ref(agency: str, number: int) -> Ref:
    return Ref("delivery", delivery_id(agency, number))
