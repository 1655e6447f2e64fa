"""Two schedulers look at the same timers, and are killed while they do: each timer is acted on once."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from shared.runtime.auth import Role
from tests.integration.runtime.toy import NOON, case
from tests.support.system import System, wait_until

ALARMS = {"referral": "tests.integration.runtime.toy_alarms"}
FAR_AHEAD = 1_000_000


@pytest.fixture
def replicas(tmp_path: Path) -> Iterator[tuple[System, System]]:
    with System(tmp_path, services=ALARMS) as one:
        two = System(tmp_path, one.namespace, services=ALARMS)
        one.start_all()
        two.start_all()
        yield one, two
        two.stop_all()


def taken(system: System) -> dict[str, list[int]]:
    return {row["_id"]: row["state"]["taken"] for row in system.database("referral")["diary"].find()}


def set_alarms(system: System, hours: dict[str, int]) -> None:
    answer = system.client(Role.OPERATOR).post("referral", "/alarms", json=list(hours.items()))
    assert set(answer.json()) == {"done"}


def test_each_timer_is_acted_on_once_though_both_look_and_both_are_killed(replicas: tuple[System, System]) -> None:
    one, two = replicas
    hours = {f"case{n}": 1 + n % 5 for n in range(3_000)}
    set_alarms(one, hours)
    timers = one.database("referral")["timers"]
    for system, left in ((one, 2_600), (two, 1_800), (one, 1_000)):
        wait_until(lambda left=left: timers.count_documents({}) <= left, f"{left} to be left")
        system.kill("referral")
        system.start("referral", wait=False)
    wait_until(lambda: not timers.count_documents({}), "all timers to be acted on", 60)

    assert taken(one) == {case(name): [due, -due] for name, due in hours.items()}
    assert one.database("referral")["parked"].count_documents({}) == 0
    one.wait_until_well("referral")
    two.wait_until_well("referral")


def test_a_timer_waits_for_its_time_and_fails_alone(replicas: tuple[System, System], tmp_path: Path) -> None:
    one, _ = replicas
    set_alarms(one, {"later": FAR_AHEAD, "now": 1})
    wait_until(lambda: taken(one)[case("now")] == [1, -1], "the one that is due")

    assert taken(one)[case("later")] == [FAR_AHEAD]
    assert one.database("referral")["timers"].count_documents({}) == 1


def test_a_timer_that_fails_is_tried_again_and_given_up_like_an_event(tmp_path: Path) -> None:
    rules = tmp_path / "rules"
    rules.mkdir()
    with System(tmp_path, services=ALARMS, variables={"NIANGJIA_RULES": str(rules)}) as system:
        system.start_all()
        set_alarms(system, {"soon": 1})
        wait_until(lambda: taken(system)[case("soon")] == [1, -1], "the scheduler to work")
        (rules / "failing").write_text(case("bad"))
        database = system.database("referral")
        database["timers"].insert_one(
            {
                "_id": "by hand",
                "due_at": NOON,
                "type": "alarm.due",
                "subject": case("bad"),
                "case": case("bad"),
                "data": f'{{"case": {{"id": "{case("bad")}"}}, "n": -7}}',
                "set_by": "nobody",
            }
        )
        wait_until(lambda: database["parked"].count_documents({"dead": True}) == 1, "the last try")
        (rules / "failing").unlink()
        database["parked"].update_many({}, {"$set": {"dead": False, "attempts": 0, "next_at": NOON}})
        wait_until(lambda: taken(system).get(case("bad")) == [-7], "it to get through")
