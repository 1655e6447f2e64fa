"""A feed that was restarted goes on with cases of which it has delivered something before."""

from pymongo.database import Database

from services.feed.model import FeedModel
from services.feed.shareable import shareable
from shared.events import event_type
from shared.kernel import Message
from shared.runtime.database import Document
from shared.runtime.ticket import Fate
from tests.integration.runtime.store import Store
from tests.unit.feed.subscribers import CASE, MORNING, REFERRAL, agreement


def replica(database: Database[Document]) -> Store:
    """A process that has nothing in memory yet."""
    return Store(database, FeedModel(shareable()))


def event(n: int) -> Message:
    data = dict(event_type("referral.requested").example)
    return Message(id=f"event {n}", type="referral.requested", time=MORNING, data=data, subject=REFERRAL, case=CASE)


def test_the_key_of_a_case_is_found_again(database: Database[Document]) -> None:
    """What is delivered is sealed with the key of the case, which is no state of feed's."""
    first = replica(database).prepare()
    content = {
        "agency": "justice",
        "agreement": agreement("justice"),
        "districts": ["33"],
        "webhook_url": "",
        "webhook_secret": "",
        "public_key": None,
        "sandbox": False,
        "stream": False,
        "federated_to": "",
        "key": "k00000001",
        "broker_password_hash": "",
    }
    first.do(Message(id="add", type="add_agency", time=MORNING, data=content), event(1))
    (ticket,) = replica(database).do(event(2))

    assert ticket.fate is Fate.DONE
    assert [row["_id"][-1] for row in database["delivery"].find().sort("_id")] == ["1", "2"]
    replica(database).check()
