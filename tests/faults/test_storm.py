"""Every part is killed while reports go in: nothing is lost, nothing happens twice, nobody repairs anything."""

import random
from collections import Counter
from collections.abc import Callable

import pytest

from shared.runtime.auth import Role
from shared.runtime.variables import SERVICES
from tests.bench.reports import encoded
from tests.faults.effects import Effects
from tests.faults.installation import Installation
from tests.faults.senders import Report, Senders, make_reports
from tests.faults.spy import Spy

#: After so many accepted reports of 2,000, this part is killed.
IN_TURN = {
    150: "intake",
    400: "referral",
    600: "volunteer",
    700: "feed",
    800: "notification",
    1_000: "broker",
    1_300: "database",
    1_500: "intake",
    1_600: "broker",
    1_750: "database",
}
#: Seconds for which a part is frozen.
FROZEN_SECONDS = 3

pytestmark = pytest.mark.timeout(600)  # for the storm, before the first test


def one_after_the_other(installation: Installation, senders: Senders) -> None:
    """Kill each part once, broker and database twice."""
    for accepted, part in IN_TURN.items():
        senders.wait_for(accepted)
        installation.kill(part)


def without_pause(installation: Installation, senders: Senders) -> None:
    """Kill services before they have come back, several at once; freeze broker, database and a service for a while."""
    chance = random.Random(3)
    for accepted in range(40, 400, 40):
        senders.wait_for(accepted)
        for part in chance.sample(SERVICES, chance.randint(1, 3)):
            installation.kill(part)
        if accepted % 120 == 0:
            installation.freeze(chance.choice(["broker", "database", *SERVICES]), FROZEN_SECONDS)


Storm = tuple[int, Callable[[Installation, Senders], None]]


@pytest.fixture(
    scope="module",
    params=[(2_000, one_after_the_other), (600, without_pause)],
    ids=["one part after the other", "again and again"],
)
def storm(request: pytest.FixtureRequest) -> Storm:
    return request.param  # type: ignore[no-any-return]


@pytest.fixture(scope="module")
def reports(storm: Storm) -> list[Report]:
    amount, _ = storm
    return make_reports(amount, seed=amount)


@pytest.fixture(scope="module")
def senders(installation: Installation, storm: Storm, reports: list[Report]) -> Senders:
    """Those who sent the reports, after the storm and after everything has finished."""
    senders = Senders(installation, reports)
    senders.start()
    _, blow = storm
    blow(installation, senders)
    senders.join()
    installation.wait_until_well()
    installation.drain()
    return senders


@pytest.fixture(scope="module")
def effects(installation: Installation, senders: Senders) -> Effects:
    return Effects(installation)


def test_every_report_was_accepted_in_the_end(senders: Senders, reports: list[Report]) -> None:
    assert senders.answers.keys() == {report["report_key"] for report in reports}
    assert set(senders.setbacks) <= {"503", "ConnectionError", "ReadTimeout", "ChunkedEncodingError"}
    assert senders.setbacks, "nobody noticed that anything was killed"


def test_every_accepted_report_is_stored_once(senders: Senders, effects: Effects) -> None:
    stored = Counter(event["data"]["report"]["id"] for event in effects.events("intake", "report.received"))

    assert [stored[answer["report_id"]] for answer in senders.answers.values()] == [1] * len(senders.answers)
    assert effects.installation.database("intake")["report"].count_documents({}) == stored.total() == len(stored)


def test_the_same_report_again_is_answered_the_same(
    senders: Senders, reports: list[Report], installation: Installation
) -> None:
    session = installation.caller(Role.OPERATOR)
    journal = installation.database("intake")["journal"]
    before = journal.count_documents({})
    for report in random.Random(2).sample(reports, 40):
        url = f"{installation.home.service_url('intake')}/reports"
        answer = session.post(url, data=encoded(report), timeout=30)
        assert (answer.status_code, answer.json()) == (201, senders.answers[report["report_key"]])
    session.close()

    assert journal.count_documents({}) == before


def test_journals_and_states_are_whole(effects: Effects) -> None:
    effects.assert_whole()


def test_the_states_follow_from_the_journals_again(effects: Effects) -> None:
    effects.installation.niangjia("rebuild")


def test_every_event_was_handled_once_by_each_consumer(effects: Effects) -> None:
    effects.assert_handled_once()


def test_the_order_of_every_case_was_kept(effects: Effects) -> None:
    effects.assert_in_order()


def test_no_effect_happened_twice(effects: Effects) -> None:
    effects.assert_nothing_doubled()


def test_all_events_were_published_in_their_order(effects: Effects, spy: Spy) -> None:
    for service, numbers in spy.first_seen().items():
        assert numbers == [event["sequence"] for event in effects.events(service)], service


def test_everything_came_back_by_itself(installation: Installation, senders: Senders) -> None:
    for service in installation.status()["services"].values():
        assert service["healthy"]
