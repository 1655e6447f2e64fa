"""A process that is killed in the middle of a transaction stops the others for seconds, not for a minute."""

import time

from pymongo.database import Database

from shared.runtime.database import Document
from shared.runtime.orphan import PAUSE, STILL
from shared.runtime.ticket import Fate
from shared.runtime.unavailable import Unavailable
from tests.integration.runtime.store import Store
from tests.integration.runtime.toy import case, note
from tests.support.system import wait_until


def test_what_a_killed_process_left_is_ended_soon(store: Store, database: Database[Document]) -> None:
    store.do(note("a", 1))
    gone = database.client.start_session()
    gone.start_transaction()
    database["journal"].insert_one({"_id": 2, "cause": "never committed"}, session=gone)
    began = time.monotonic()

    def gets_through() -> bool:
        try:
            (ticket,) = store.do(note("a", 2))
        except Unavailable:
            return False
        return ticket.fate is Fate.DONE

    wait_until(gets_through, "the transaction to be ended", 30)
    assert time.monotonic() - began >= STILL
    assert store.taken(case("a")) == [1, 2]
    store.check()


def test_a_transaction_that_goes_on_is_left_alone(store: Store, database: Database[Document]) -> None:
    with database.client.start_session() as session, session.start_transaction():
        database["diary"].insert_one({"_id": "x"}, session=session)
        until = time.monotonic() + 2 * STILL
        while time.monotonic() < until:
            database["diary"].update_one({"_id": "x"}, {"$inc": {"n": 1}}, session=session)
            time.sleep(PAUSE)
            assert store.unit.orphans.end() == 0
    database["diary"].delete_one({"_id": "x"})
