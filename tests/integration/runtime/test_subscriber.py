"""A consumer on the real broker: what it is told is written down once and in order, whatever comes between."""

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from amqp.exceptions import PreconditionFailed

from shared.privacy import Key
from shared.runtime.auth import Role
from shared.runtime.parking import Parking
from tests.integration.runtime.bus import Bus
from tests.integration.runtime.store import now
from tests.integration.runtime.toy import case, report
from tests.support.system import System, wait_until

LISTENER = {"referral": "tests.integration.runtime.toy_listener"}


@pytest.fixture(scope="module")
def rules(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("rules")


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory, rules: Path) -> Iterator[System]:
    # The last one leaves a test the time to mend what it has seen fail.
    variables = {"NIANGJIA_RULES": str(rules), "NIANGJIA_RETRY_DELAYS": "0.2,4"}
    with System(tmp_path_factory.mktemp("toys"), services=LISTENER, variables=variables) as system:
        system.start_all()
        yield system


@pytest.fixture
def bus(system: System) -> Iterator[Bus]:
    with Bus(system.settings("referral")) as bus:
        yield bus


@pytest.fixture(autouse=True)
def _clean(system: System, rules: Path) -> Iterator[None]:
    yield
    for file in rules.iterdir():
        file.unlink()
    if not system.is_running("referral"):
        system.start("referral")
    parked = system.database("referral")["parked"]
    wait_until(lambda: not parked.count_documents({"dead": False}), "parked events to go")
    parked.delete_many({})


def taken(system: System, name: str) -> list[int]:
    row = system.database("referral")["diary"].find_one({"_id": case(name)})
    return row["state"]["taken"] if row else []


def wait_for(system: System, name: str, numbers: list[int], seconds: float = 30) -> None:
    wait_until(lambda: taken(system, name) == numbers, f"{name} to be {numbers}", seconds)


def dead_letters(system: System) -> Parking:
    return Parking(system.database("referral"), ())


def test_the_queue_is_a_quorum_queue_with_one_active_consumer(bus: Bus, system: System) -> None:
    settings = system.settings("referral")
    arguments = {
        "x-queue-type": "quorum",
        "x-single-active-consumer": True,
        "x-delivery-limit": 100_000,
        "x-overflow": "reject-publish",
        "x-dead-letter-strategy": "at-least-once",
        "x-dead-letter-exchange": "",
        "x-dead-letter-routing-key": settings.unreadable("referral"),
    }
    queue = settings.queue("referral", "intake")
    bus.channel.queue_declare(queue, durable=True, auto_delete=False, arguments=arguments)
    with pytest.raises(PreconditionFailed):
        bus.channel.queue_declare(
            queue, durable=True, auto_delete=False, arguments={**arguments, "x-single-active-consumer": False}
        )


def test_the_exchange_is_as_nameko_declares_it(bus: Bus, system: System) -> None:
    exchange = system.settings("referral").exchange("intake")

    bus.channel.exchange_declare(exchange, "topic", durable=True, auto_delete=False)
    assert exchange.endswith("intake.events")


def test_events_are_taken_in_order_and_once(bus: Bus, system: System) -> None:
    events = [report(f"order{n % 7}", n) for n in range(1, 701)]
    bus.publish(*events, *events[-50:])
    for name in range(7):
        wait_for(system, f"order{name}", [n for n in range(1, 701) if n % 7 == name])

    wait_until(lambda: not bus.depth(), "the queue to be empty")


def test_a_failing_case_waits_alone_and_comes_back_in_order(bus: Bus, system: System, rules: Path) -> None:
    (rules / "failing").write_text(case("waits"))
    bus.publish(report("waits", 1), report("passes", 2), report("waits", 3), report("passes", 4))
    wait_for(system, "passes", [2, 4])
    letters = dead_letters(system)
    wait_until(letters.count_dead, "the last try")

    (dead,) = letters.dead()
    assert (dead["attempts"], dead["sequence"]) == (3, 1)
    bus.publish(report("waits", 5))
    wait_until(lambda: system.database("referral")["parked"].count_documents({}) == 3, "5 to queue up")
    (rules / "failing").unlink()
    letters.retry([dead["_id"]], now())
    wait_for(system, "waits", [1, 3, 5])


def test_a_case_that_is_mended_in_time_needs_nobody(bus: Bus, system: System, rules: Path) -> None:
    (rules / "failing").write_text(case("mended"))
    bus.publish(report("mended", 1))
    parked = system.database("referral")["parked"]
    wait_until(lambda: parked.count_documents({"lane": case("mended"), "attempts": {"$gte": 1}}), "the first try")
    (rules / "failing").unlink()
    wait_for(system, "mended", [1])


def test_a_method_that_raises_stops_only_the_case_on_which_it_does(bus: Bus, system: System, rules: Path) -> None:
    (rules / "method_fails").write_text(case("odd"))
    bus.publish(*(report(name, n) for n in range(1, 4) for name in ("even", "odd")))
    wait_for(system, "even", [1, 2, 3])
    (rules / "method_fails").unlink()
    letters = dead_letters(system)
    wait_until(lambda: letters.count_dead() or taken(system, "odd"), "a try")
    letters.retry([dead["_id"] for dead in letters.dead()], now())
    wait_for(system, "odd", [1, 2, 3])

    log = system.log_file("referral").read_text()
    assert '"exception": "RuntimeError"' in log
    assert "13800000002" not in log


RUBBISH = [
    (b"\xff\xfe", {}),
    ("李四 13800000002".encode(), {"content_type": "text/plain"}),
    (b"{", {"content_type": "application/json", "headers": {"cloudEvents_id": "x"}}),
    (b'{"name": "13800000002"}', {"content_type": "application/json", "headers": {"name": "李四"}}),
    (b"x", {"content_type": "application/x-python-serialize", "content_encoding": "utf-7"}),
    (b"{}", {"content_type": "application/json", "headers": {"cloudEvents_id": "\ud800"}}),
    (b"+2AA-", {"content_type": "application/json", "content_encoding": "utf-7"}),
]


def test_what_cannot_be_read_is_kept_sealed_and_never_logged(bus: Bus, system: System) -> None:
    for body, properties in RUBBISH:
        bus.put(body, **properties)
    bus.publish(report("after rubbish", 1))
    wait_for(system, "after rubbish", [1])

    letters = dead_letters(system)
    assert letters.count_dead() == len(RUBBISH)
    assert not bus.depth()
    stored = str(letters.dead())
    log = system.log_file("referral").read_text()
    # The bytes of the whole name: what is sealed is random, and holds any three in a row now and then.
    for said in ("李四", "13800000002", str("李四".encode())[2:-1]):
        assert said not in stored
        assert said not in log


def test_what_cannot_be_read_can_be_sent_back_as_it_was(bus: Bus, system: System) -> None:
    bus.put(b'{"a": 1}', content_type="application/json", headers={"cloudEvents_id": "x", "who": "partner"})
    letters = dead_letters(system)
    wait_until(letters.count_dead, "the dead letter")
    (first,) = letters.dead()
    letters.retry([first["_id"]], now())
    wait_until(lambda: [dead["at"] for dead in letters.dead()] not in ([], [first["at"]]), "it to come back")

    (again,) = letters.dead()
    assert (again["_id"], again["reason"]) == (first["_id"], first["reason"])
    opened = Key(bytes.fromhex((system.keys / "master.key").read_text())).open(again["sealed"], again["consumer"])
    assert b"partner" in opened


def test_when_all_fail_the_consumer_waits_and_most_stay_in_the_queue(bus: Bus, system: System, rules: Path) -> None:
    (rules / "failing").write_text("*")
    names = [f"all{n}" for n in range(60)]
    bus.publish(*(report(name, n) for n, name in enumerate(names, start=1)))
    client = system.client(Role.ADMIN)
    wait_until(lambda: 'consumer_paused{queue="' in client.get("referral", "/metrics").text, "the gauge")
    wait_until(lambda: _paused(client.get("referral", "/metrics").text), "the consumer to wait")
    assert system.database("referral")["parked"].count_documents({}) < 40

    (rules / "failing").unlink()
    for n, name in enumerate(names, start=1):
        if taken(system, name) != [n]:
            letters = dead_letters(system)
            wait_until(
                lambda name=name, n=n, letters=letters: (
                    (letters.retry([dead["_id"] for dead in letters.dead()], now()) or True)
                    and taken(system, name) == [n]
                ),
                f"{name} to get through",
            )
    wait_until(lambda: not _paused(client.get("referral", "/metrics").text), "the consumer to go on")


def test_a_service_that_is_asked_to_stop_finishes_what_it_has_in_hand(bus: Bus, system: System) -> None:
    bus.publish(*(report("stops", n) for n in range(1, 401)))
    wait_until(lambda: taken(system, "stops"), "the first batch")

    assert system.kill("referral", signal.SIGTERM) == 0
    numbers = taken(system, "stops")
    assert numbers == list(range(1, len(numbers) + 1))
    marks = system.database("referral")["inbox"].count_documents({})
    system.start("referral")
    wait_for(system, "stops", list(range(1, 401)))
    assert system.database("referral")["inbox"].count_documents({}) - marks == 400 - len(numbers)


def test_a_service_that_is_killed_again_and_again_loses_and_doubles_nothing(bus: Bus, system: System) -> None:
    names = [f"killed{n}" for n in range(10)]
    bus.publish(*(report(name, n) for n in range(1, 101) for name in names))
    for part in (1, 300, 600):
        wait_until(lambda part=part: sum(len(taken(system, name)) for name in names) >= part, f"{part} to be taken")
        system.kill("referral")
        system.start("referral")
    for name in names:
        wait_for(system, name, list(range(1, 101)))


def _paused(figures: str) -> bool:
    return any(line.startswith("niangjia_consumer_paused{") and line.endswith(" 1.0") for line in figures.splitlines())
