"""Agencies are called: signed, in order, again until they take it, and without waiting for each other."""

import signal
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from services.feed.cursor import Cursors
from services.feed.tries import WAY, Tries
from shared.runtime.auth import Role
from tests.integration.runtime.proxy import Wire
from tests.support.certificate import make_certificate
from tests.support.hook import Answer, Call, Hook, Wild, heard
from tests.support.system import wait_until
from tests.support.webhooks import CASE, SLOW, SLOW_SECONDS, Webhooks

OTHER_CASE = "019cabd8-3f40-7a51-9c0e-5b1d2f3a4c6f"
#: In this time a call would have come, if one came at all.
A_WHILE = 2.5


@pytest.fixture(scope="module")
def feed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Webhooks]:
    with Webhooks(tmp_path_factory.mktemp("feed")) as system:
        system.start_all()
        yield system


@pytest.fixture
def hook() -> Iterator[Hook]:
    with Hook() as hook:
        yield hook


@pytest.fixture
def name(request: pytest.FixtureRequest) -> str:
    """The name of the agency of one test."""
    return request.node.name.replace("_", "-")[5:30].strip("-")


def at_first(status: int, times: int) -> "Answering":
    return Answering([status] * times)


class Answering:
    """Answers some statuses, and then that all is well."""

    def __init__(self, statuses: list[int]) -> None:
        self._statuses = statuses

    def __call__(self, call: Call) -> Answer:
        return self._statuses.pop(0) if self._statuses and call.number else 204


def test_deliveries_come_signed_and_in_order(feed: Webhooks, hook: Hook, name: str) -> None:
    secret = feed.add(name, hook.url)
    feed.rehearse(name, 60)
    feed.wait_for(hook, 60)
    feed.wait_until_taken(name, 60)

    assert hook.numbers == list(range(1, 61))
    stored = {
        row["state"]["number"]: row["state"] for row in feed.database("feed")["delivery"].find({"state.agency": name})
    }
    for call in hook.deliveries:
        assert Webhook(secret).verify(call.body, dict(call.headers)) == call.event
        assert call.headers["Content-Type"] == "application/cloudevents+json"
        assert call.headers["webhook-id"] == call.event["id"] == stored[call.number]["event_id"]
        assert call.event["source"] == f"/feeds/{name}"
        assert call.event["dataref"] == f"https://feed.example/feeds/{name}/deliveries/{call.number}/fields"
        assert call.event["data"]["purpose"] == "protect"
    assert sum(hook.connections) == 60
    assert len(hook.connections) < 20


def test_a_replay_has_the_id_of_the_original_and_a_number_of_its_own(feed: Webhooks, hook: Hook, name: str) -> None:
    feed.add(name, hook.url)
    feed.rehearse(name, 3)
    feed.do(("replay", {"agency": name, "from": 2, "to": 3}))
    feed.wait_for(hook, 5)

    assert hook.numbers == [1, 2, 3, 4, 5]
    ids = [call.headers["webhook-id"] for call in hook.deliveries]
    assert ids[3:] == ids[1:3]
    assert [int(call.event.get("replayof", 0)) for call in hook.deliveries] == [0, 0, 0, 2, 3]


def test_while_two_secrets_count_both_sign(feed: Webhooks, hook: Hook, name: str) -> None:
    first = feed.add(name, hook.url)
    second = feed.rekey(name, now=False)
    feed.rehearse(name)
    feed.wait_for(hook, 1)
    third = feed.rekey(name, now=True)
    feed.rehearse(name)
    feed.wait_for(hook, 2)

    both, one = hook.deliveries
    for secret in (first, second):
        Webhook(secret).verify(both.body, dict(both.headers))
    Webhook(third).verify(one.body, dict(one.headers))
    for secret in (first, second):
        with pytest.raises(WebhookVerificationError):
            Webhook(secret).verify(one.body, dict(one.headers))


def test_what_is_not_taken_comes_again_and_nothing_overtakes_it(feed: Webhooks, hook: Hook, name: str) -> None:
    hook.answer = Answering([204, 500, 302, 404, 429, 204, 503])
    secret = feed.add(name, hook.url)
    feed.rehearse(name, 4)
    feed.wait_until_taken(name, 4)

    assert hook.numbers == [1, 2, 2, 2, 2, 2, 3, 3, 4]
    second = [call for call in hook.deliveries if call.number == 2]
    assert len({(call.headers["webhook-id"], call.body) for call in second}) == 1
    for call in second:
        Webhook(secret).verify(call.body, dict(call.headers))
    wait_until(lambda: not feed.cursor(name)["note"], "the tries to be forgotten")


def test_after_the_last_try_it_is_given_up_and_goes_on_there_when_told_to(
    feed: Webhooks, hook: Hook, name: str
) -> None:
    hook.answer = at_first(500, 13)
    feed.add(name, hook.url)
    feed.rehearse(name, 3)
    feed.wait_until_given_up(name)
    time.sleep(A_WHILE)

    assert hook.numbers == [1] * 10
    assert feed.cursor(name)["number"] == 0
    assert feed.cursor(name)["note"].items() >= {"count": 10, "last_status": 500, "why": "gave_up"}.items()

    feed.do(("call_again", {"agency": name}))
    feed.wait_until_taken(name, 3)
    assert hook.numbers == [1] * 14 + [2, 3]


def test_who_is_gone_is_called_no_more(feed: Webhooks, hook: Hook, name: str) -> None:
    hook.answer = Answering([204, 410, 410])
    feed.add(name, hook.url)
    for numbers in ([1, 2], [1, 2, 2]):
        feed.rehearse(name, 2)
        feed.wait_until_given_up(name)
        time.sleep(A_WHILE)
        assert hook.numbers == numbers
        feed.do(("call_again", {"agency": name}))
    feed.wait_until_taken(name, 4)

    assert hook.numbers == [1, 2, 2, 2, 3, 4]
    records = [event for entry in feed.database("feed")["journal"].find() for event in entry["events"]]
    failed = [event["data"] for event in records if event["type"] == "delivery.failed" and event["subject"] == name]
    assert failed == [f'{{"agency":"{name}","number":2,"why":"gone"}}'] * 2


def silent(connection: socket.socket) -> None:
    heard(connection)
    time.sleep(60)


def dripping(connection: socket.socket) -> None:
    heard(connection)
    connection.sendall(b"HTTP/1.1 200 OK\r\nX: ")
    while True:
        connection.sendall(b"x")
        time.sleep(1)


def test_who_never_answers_is_cut_and_delays_nobody_else(feed: Webhooks, hook: Hook, name: str) -> None:
    with Wild(silent) as dead, Wild(dripping) as slow:
        partners = {**{f"dead-{n}": dead for n in range(4)}, "slow": slow}
        for one, partner in partners.items():
            feed.add(one, partner.url)
            feed.rehearse(one)
        wait_until(lambda: dead.connections >= 4 and slow.connections, "the dead to be called")
        feed.add(name, hook.url)
        began = time.monotonic()
        feed.rehearse(name, 100)
        feed.wait_for(hook, 100)
        assert time.monotonic() - began < 10
        for one in partners:
            wait_until(lambda one=one: feed.cursor(one)["note"], f"{one} to be cut")
            assert feed.cursor(one)["note"]["last_status"] == "timeout"
            feed.do(("remove_agency", {"agency": one}))


def test_a_name_that_nobody_answers_for_holds_up_nothing(feed: Webhooks, hook: Hook, name: str) -> None:
    feed.add("nowhere", f"https://{SLOW}/")
    feed.add(name, hook.url)
    feed.rehearse("nowhere")
    time.sleep(1)  # it is being looked up
    began, client = time.monotonic(), feed.client(Role.ADMIN)
    feed.rehearse(name, 20)
    feed.wait_for(hook, 20)
    for _ in range(20):
        asked = time.monotonic()
        client.get("feed", "/clock").raise_for_status()
        assert time.monotonic() - asked < 3
    assert time.monotonic() - began < SLOW_SECONDS - 2
    feed.do(("remove_agency", {"agency": "nowhere"}))


def test_a_suspended_agency_is_not_called_and_misses_nothing(feed: Webhooks, hook: Hook, name: str) -> None:
    release = threading.Event()

    def slowly(_: Call) -> Answer:
        release.wait(10)
        return 204

    hook.answer = slowly
    feed.add(name, hook.url)
    feed.rehearse(name, 5)
    feed.wait_for(hook, 1)
    feed.do(("suspend_agency", {"agency": name}))
    release.set()
    time.sleep(A_WHILE)
    assert hook.numbers == [1]

    feed.do(("resume_agency", {"agency": name}))
    feed.wait_until_taken(name, 5)
    assert hook.numbers == [1, 2, 3, 4, 5]


def test_what_may_be_read_no_longer_when_it_is_tried_again_does_not_go_out(
    feed: Webhooks, hook: Hook, name: str
) -> None:
    erased = threading.Event()

    def late(call: Call) -> Answer:
        if erased.is_set():
            return 204
        erased.wait(10)
        return 500

    hook.answer = late
    feed.add(name, hook.url)
    feed.rehearse(name, case=OTHER_CASE)
    feed.wait_for(hook, 1)
    feed.do(("case.erased", {}), case=OTHER_CASE)
    erased.set()
    feed.wait_until_taken(name, 2)

    first, again, recall = hook.deliveries
    assert (first.number, first.event["type"]) == (1, "referral.requested")
    assert (again.number, again.event["type"], again.event["data"]) == (1, "delivery.withheld", {})
    assert "dataref" not in again.event
    assert (recall.number, recall.event["data"]) == (2, {"numbers": [1], "reason": "erased"})


def test_who_comes_back_under_a_name_gets_nothing_of_what_was_before(feed: Webhooks, hook: Hook, name: str) -> None:
    hook.answer = lambda _: 500
    feed.add(name, hook.url)
    feed.rehearse(name, 3)
    feed.wait_for(hook, 2)
    feed.do(("remove_agency", {"agency": name}))
    with Hook() as other:
        feed.add(name, other.url)
        feed.rehearse(name, 2)
        feed.wait_for(other, 2)
        feed.wait_until_taken(name, 5)

        assert other.numbers == [4, 5]


def test_what_is_to_be_sealed_waits_and_so_does_what_follows(feed: Webhooks, hook: Hook, name: str) -> None:
    feed.add(name, hook.url, public_key={"kty": "OKP", "crv": "X25519", "x": "A" * 43})
    feed.rehearse(name, 2)
    time.sleep(A_WHILE)
    assert not hook.calls

    done = {"agency": name, "case_id": CASE, "outcome": "done"}
    assert feed.do(("seal_delivery", {**done, "number": 2, "jwe": "a.b.c.d.2"})) == ["done"]
    time.sleep(A_WHILE)
    assert not hook.calls
    feed.do(("seal_delivery", {**done, "number": 1, "jwe": "a.b.c.d.1"}))
    feed.wait_for(hook, 2)

    assert [(call.number, call.event["data"]["sealed"]) for call in hook.deliveries] == [
        (1, "a.b.c.d.1"),
        (2, "a.b.c.d.2"),
    ]


def test_an_address_that_is_private_is_not_called(feed: Webhooks, name: str) -> None:
    with Hook() as hook:
        for number, url in enumerate(
            (
                hook.url.replace("http:", "https:").replace("127.0.0.1", "[::1]"),
                "http://169.254.169.254/latest/",
                "https://10.0.0.1/",
                "http://8.8.8.8/",
            )
        ):
            one = f"{name[:20]}-{number}"
            feed.add(one, url)
            feed.rehearse(one)
            feed.wait_until_given_up(one)
            assert feed.cursor(one)["note"]["last_status"] == "address"
        assert not hook.connections


def test_the_figures_tell_how_it_goes(feed: Webhooks, hook: Hook, name: str) -> None:
    hook.answer = at_first(500, 1)
    feed.add(name, hook.url)
    feed.rehearse(name, 2)
    feed.wait_until_taken(name, 2)
    client = feed.client(Role.ADMIN)
    # told a moment after the last is taken
    behind = f'niangjia_webhook_behind{{agency="{name}"}}'
    wait_until(lambda: behind in client.get("feed", "/metrics").text, "the figure")
    text = client.get("feed", "/metrics").text

    for line in (
        f'niangjia_webhook_calls_total{{agency="{name}",outcome="2xx",what="delivery"}} 2.0',
        f'niangjia_webhook_calls_total{{agency="{name}",outcome="5xx",what="delivery"}} 1.0',
    ):
        assert line in text


def test_neither_address_nor_body_nor_secret_is_logged(feed: Webhooks, hook: Hook, name: str) -> None:
    hook.answer = at_first(500, 3)
    secret = feed.add(name, f"{hook.url}?token=hush-hush")
    feed.rehearse(name)
    feed.wait_until_taken(name, 1)

    log = feed.log_file("feed").read_text()
    assert name in log
    for hidden in ("hush-hush", secret, secret.removeprefix("whsec_"), hook.url, "referral_id"):
        assert hidden not in log


def test_tries_and_their_time_outlive_the_process(tmp_path: Path, hook: Hook) -> None:
    hook.answer = lambda _: 503
    with Webhooks(tmp_path, delays="0.1,4,4") as feed:
        feed.start_all()
        feed.add("police", hook.url)
        feed.rehearse("police")
        feed.wait_for(hook, 2)
        wait_until(lambda: feed.cursor("police")["note"]["count"] == 2, "the second try to be written down")
        feed.kill("feed")
        at = feed.next_try("police")
        hook.answer = lambda _: 204
        feed.start("feed")
        feed.wait_until_taken("police", 1)

        assert hook.numbers == [1, 1, 1]
        assert at is not None
        assert datetime.fromtimestamp(hook.calls[2].at, UTC) >= at


def test_what_was_to_be_given_up_when_the_process_died_is_given_up_without_another_call(
    tmp_path: Path, hook: Hook
) -> None:
    with Webhooks(tmp_path) as feed:
        feed.start_all()
        feed.add("police", hook.url)
        feed.kill("feed")
        tries = Tries(number=1, count=9).failed(500, datetime.now(UTC), (1.0,) * 9, stop="the command that was lost")
        Cursors(feed.database("feed")).note(WAY, "police", **tries.note)
        feed.start("feed")
        feed.rehearse("police")
        feed.wait_until_given_up("police")
        assert not hook.calls

        feed.do(("call_again", {"agency": "police"}))
        feed.wait_until_taken("police", 1)
        assert hook.numbers == [1]


def test_a_partner_that_asks_for_time_gets_it(tmp_path: Path, hook: Hook) -> None:
    answers: list[Answer] = [(429, {"Retry-After": "3"}), (500, {"Retry-After": "30"})]
    hook.answer = lambda _: answers.pop(0) if answers else 204
    with Webhooks(tmp_path) as feed:
        feed.start_all()
        feed.add("police", hook.url)
        feed.rehearse("police")
        feed.wait_until_taken("police", 1)

    first, second, third = hook.calls
    assert second.at - first.at >= 3
    assert third.at - second.at < 20


def test_silence_is_broken_by_heartbeats_that_nobody_counts(tmp_path: Path) -> None:
    with Webhooks(tmp_path, NIANGJIA_HEARTBEAT="1") as feed, Hook(lambda call: 204 if call.number else 410) as hook:
        feed.start_all()
        secret = feed.add("police", hook.url)
        feed.rehearse("police", 2)
        wait_until(lambda: len(hook.calls) >= 5, "heartbeats")
        feed.rehearse("police")
        feed.wait_until_taken("police", 3)

        beats = [call for call in hook.calls if not call.number]
        assert [call.event["type"] for call in beats[:3]] == ["feed.heartbeat"] * 3
        assert beats[0].event["data"] == {"last": 2}
        Webhook(secret).verify(beats[0].body, dict(beats[0].headers))
        assert len({call.headers["webhook-id"] for call in beats}) == len(beats)
        assert hook.numbers == [1, 2, 3]
        assert feed.agency("police")["webhook"] == "on"


def test_a_partner_is_called_by_tls_and_known_by_its_certificate(tmp_path: Path) -> None:
    folder = make_certificate(tmp_path / "certificate")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "chain.pem", folder / "key.pem")
    with Hook(context=context) as hook, Webhooks(tmp_path, SSL_CERT_FILE=str(folder / "chain.pem")) as feed:
        feed.start_all()
        feed.add("police", f"https://localhost:{hook.port}/hook")
        feed.add("other", f"https://partner.example:{hook.port}/hook")
        feed.rehearse("police", 20)
        feed.rehearse("other")
        feed.wait_until_taken("police", 20)
        feed.wait_until_given_up("other")

        assert hook.numbers == list(range(1, 21))
        assert feed.cursor("other")["note"]["last_status"] == "certificate"


def test_a_database_that_is_away_for_a_moment_makes_nothing_come_twice(tmp_path: Path, hook: Hook) -> None:
    with Webhooks(tmp_path) as feed, Wire(feed.mongo_uri) as wire:

        def cutting(call: Call) -> Answer:
            if call.number == 2:
                wire.cut()
            return 204

        hook.answer = cutting
        feed.start("feed", MONGO_URI=wire.uri)
        feed.add("police", hook.url)
        feed.rehearse("police", 3)
        feed.wait_for(hook, 2)
        time.sleep(A_WHILE)
        wire.mend()
        feed.wait_until_taken("police", 3)

        assert hook.numbers == [1, 2, 3]


def test_a_service_that_stops_waits_for_no_partner(tmp_path: Path, hook: Hook) -> None:
    with Webhooks(tmp_path) as feed, Wild(silent) as dead:
        feed.start_all()
        feed.add("dead", dead.url)
        feed.add("police", hook.url)
        feed.rehearse("dead")
        wait_until(lambda: dead.connections, "the dead to be called")
        began = time.monotonic()
        assert feed.kill("feed", signal.SIGTERM) == 0
        assert time.monotonic() - began < 13
        assert not feed.cursor("dead")["note"], "a call that we ended ourselves is no try"
        feed.start("feed")
        wait_until(lambda: dead.connections == 2, "the dead to be called again")
        feed.rehearse("police")
        feed.wait_until_taken("police", 1)


def test_of_two_replicas_one_calls_and_the_other_takes_over_where_it_was(tmp_path: Path, hook: Hook) -> None:
    with Webhooks(tmp_path) as one:
        two = Webhooks(tmp_path, one.namespace)
        one.start_all()
        two.start_all()
        hook.answer = lambda _: (time.sleep(0.02), 204)[1]
        one.add("police", hook.url)
        two.rehearse("police", 150)
        one.wait_for(hook, 50)
        holder = one.database("feed")["relay"].find_one({"_id": "webhook"})
        assert holder is not None
        leader = one if holder["holder"].endswith(f":{one.ports['feed']}") else two
        leader.kill("feed")
        one.wait_until_taken("police", 150)
        two.stop_all()

    firsts = list(dict.fromkeys(hook.numbers))
    assert firsts == list(range(1, 151))
    assert len(hook.numbers) <= 151
