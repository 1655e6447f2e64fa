"""Each agency gets what its agreement grants, under its own gapless numbers; what it may no longer use is recalled."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jwcrypto.jwk import JWK

from services.feed.agency import Status, Webhook
from services.feed.envelope import content, document
from shared.events import event_type
from shared.kernel import Conflict, NotFound
from tests.unit.feed.subscribers import CASE, KINDS, REFERRAL, Feed, agreement

URL = "https://feed.example.cn"
OTHER_REFERRAL = "019cabd8-3f40-7b68-a1d7-0e4f5c2b9a84"
PUBLIC_KEY = JWK.generate(kty="EC", crv="P-256").export_public(as_dict=True)


@pytest.fixture
def feed() -> Feed:
    return Feed()


def test_a_referral_goes_to_whom_it_is_addressed_and_to_who_counts(feed: Feed) -> None:
    for kind in KINDS:
        feed.add(kind.replace("_", "-"), kind)
    feed.hear("referral.requested")
    got = {name for name in (kind.replace("_", "-") for kind in KINDS) if feed.deliveries(name)}
    assert got == {"justice", "statistics"}
    (to_justice,), (to_statistics,) = feed.deliveries("justice"), feed.deliveries("statistics")
    example = event_type("referral.requested").example
    assert content(to_justice) == {name: example[name] for name in agreement("justice")["grants"][0]["fields"]}
    assert content(to_statistics) == {}
    assert to_justice.identity == tuple(agreement("justice")["grants"][0]["identity"])
    assert "subject" not in document(to_statistics, URL)
    assert CASE not in str(document(to_statistics, URL))


@pytest.mark.parametrize(
    ("districts", "gets"),
    [(("33",), True), (("3303",), True), (("330302",), True), (("330303",), False), (("3304", "330302"), True)],
)
def test_only_its_districts(feed: Feed, districts: tuple[str, ...], gets: bool) -> None:
    feed.add("justice", "justice", *districts)
    feed.hear("referral.requested")
    assert bool(feed.deliveries("justice")) is gets


def test_an_event_without_a_district_follows_its_referral(feed: Feed) -> None:
    feed.add("here", "justice", "330302")
    feed.add("elsewhere", "justice", "330303")
    feed.hear("referral.requested", purpose="mediation")
    feed.hear("referral.cancelled")
    assert [d.type for d in feed.deliveries("here")] == [
        "referral.requested",
        "referral.cancelled",
        "delivery.recalled",
    ]
    assert not feed.deliveries("elsewhere")


def test_a_red_case_is_told_to_the_police_by_its_number_only(feed: Feed) -> None:
    feed.add("police", "police")
    feed.hear("risk.escalated", grade="orange")
    feed.hear("risk.escalated", grade="red")
    (told,) = feed.deliveries("police")
    assert content(told) == {}
    assert document(told, URL)["subject"] == CASE
    assert not told.identity


def test_each_agency_counts_for_itself_without_a_gap(feed: Feed) -> None:
    feed.add("one", "justice")
    feed.add("two", "statistics")
    for n in range(5):
        feed.hear("risk.escalated")
        feed.hear("referral.requested", referral_id=f"019cabd8-3f40-7b68-a1d7-0e4f5c2b9a{n:02}")
    assert [d.number for d in feed.deliveries("one")] == [1, 2, 3, 4, 5]
    assert [d.number for d in feed.deliveries("two")] == list(range(1, 11))
    assert feed.agency("two").last == 10


def test_the_same_event_gives_the_same_ids_and_bytes() -> None:
    first, second = Feed(), Feed()
    for feed in (first, second):
        feed.add("justice", "justice")
        feed.hear("referral.requested")
    assert first.facts == second.facts


def test_suspended_or_removed_it_gets_nothing(feed: Feed) -> None:
    feed.add("justice", "justice")
    feed.do("suspend_agency", agency="justice")
    feed.hear("referral.requested")
    assert not feed.deliveries("justice")
    feed.do("resume_agency", agency="justice")
    feed.hear("referral.requested")
    assert [d.number for d in feed.deliveries("justice")] == [1]
    feed.do("remove_agency", agency="justice")
    feed.hear("referral.requested")
    assert len(feed.deliveries("justice")) == 1
    assert feed.agency("justice").status is Status.REMOVED
    assert feed.agency("justice").private.agreement == {}


def test_who_comes_back_under_the_same_name_goes_on_counting(feed: Feed) -> None:
    feed.add("justice", "justice")
    feed.hear("referral.requested")
    with pytest.raises(Conflict):
        feed.add("justice", "justice")
    feed.do("remove_agency", agency="justice")
    feed.add("justice", "justice")
    feed.hear("referral.requested")
    assert [d.number for d in feed.deliveries("justice")] == [1, 2]


class TestRecall:
    def test_a_withdrawn_consent_recalls_what_rested_on_it(self, feed: Feed) -> None:
        feed.add("justice", "justice")
        feed.add("health", "health")
        feed.hear("referral.requested")
        feed.hear("referral.requested", referral_id=OTHER_REFERRAL, basis="duty")
        feed.hear("referral.requested", referral_id=OTHER_REFERRAL, agency="health", purpose="injury_care")
        feed.hear("consent.withdrawn", agencies=["justice"])
        first, second, recall = feed.deliveries("justice")
        assert (first.closed, second.closed) == ("consent_withdrawn", "")
        assert content(recall) == {"numbers": [1], "reason": "consent_withdrawn"}
        assert [d.closed for d in feed.deliveries("health")] == [""]

    def test_whoever_tells_first_of_a_withdrawal_the_same_is_closed_and_what_was_taken_back_is_known(
        self, feed: Feed
    ) -> None:
        by_intake: dict[str, Any] = {"type": "consent.withdrawn", "agencies": ["justice"]}
        by_referral = {"type": "referral.cancelled", "reason": "consent_withdrawn"}
        ends = []
        for name, told in (("one", (by_intake, by_referral)), ("other", (by_referral, by_intake))):
            feed.add(name, "justice")
            for each in ({"type": "referral.requested"}, *told):
                feed.hear(**each)
            ends.append(sorted((d.type, d.closed, tuple(d.recalls), d.why) for d in feed.deliveries(name)))
            feed.do("remove_agency", agency=name)

        assert ends[0] == ends[1]
        assert ends[0] == [
            ("delivery.recalled", "", (1,), "consent_withdrawn"),
            ("referral.cancelled", "", (), ""),
            ("referral.requested", "consent_withdrawn", (), ""),
        ]

    def test_what_was_recalled_is_not_recalled_again(self, feed: Feed) -> None:
        feed.add("justice", "justice")
        feed.hear("referral.requested")
        feed.hear("consent.withdrawn", agencies=["justice"])
        assert not feed.hear("consent.withdrawn", agencies=["justice"])

    def test_another_case_is_left_alone(self, feed: Feed) -> None:
        feed.add("justice", "justice")
        feed.hear("referral.requested")
        assert not feed.hear("consent.withdrawn", case="019cabd8-3f40-7a51-9c0e-5b1d2f3a4c6f", agencies=["justice"])

    def test_an_erased_person_is_recalled_everywhere_and_her_sealed_copies_go(self, feed: Feed) -> None:
        feed.add("justice", "justice", public_key=PUBLIC_KEY)
        feed.add("police", "police")
        feed.hear("referral.requested")
        feed.hear("risk.escalated", grade="red")
        feed.do("seal_delivery", agency="justice", number=1, case_id=CASE, outcome="done", jwe="a.b.c.d.e")
        facts = feed.hear("case.erased")
        assert [f.type for f in facts] == ["delivery.made", "delivery.made", "copy.destroyed"]
        assert list(feed.model.erases(facts[-1])) == [CASE]
        assert (feed.agency("justice").epoch, feed.agency("police").epoch) == (1, 0)
        assert [(d.closed, d.data) for d in feed.deliveries("police")] == [("erased", {}), ("", {})]

    def test_what_comes_later_of_an_erased_case_reaches_nobody(self, feed: Feed) -> None:
        feed.add("justice", "justice")
        feed.hear("case.erased")
        assert not feed.hear("referral.requested")
        assert not feed.hear("case.erased")

    def test_a_suspended_agency_is_told_nevertheless(self, feed: Feed) -> None:
        feed.add("justice", "justice")
        feed.hear("referral.requested")
        feed.do("suspend_agency", agency="justice")
        feed.hear("consent.withdrawn", agencies=["justice"])
        assert [d.type for d in feed.deliveries("justice")][-1] == "delivery.recalled"


class TestSeal:
    def test_who_gave_a_key_gets_identity_sealed(self, feed: Feed) -> None:
        feed.add("justice", "justice", public_key=PUBLIC_KEY)
        feed.hear("referral.requested")
        assert feed.deliveries("justice")[0].seal == "wanted"
        feed.do("seal_delivery", agency="justice", number=1, case_id=CASE, outcome="done", jwe="a.b.c.d.e")
        (sealed,) = feed.deliveries("justice")
        assert sealed.seal == "done"
        assert feed.shelf.get("copies", CASE).private == {sealed.id: "a.b.c.d.e"}
        assert content(sealed, "a.b.c.d.e")["sealed"] == "a.b.c.d.e"

    def test_what_was_recalled_meanwhile_is_withheld(self, feed: Feed) -> None:
        feed.add("justice", "justice", public_key=PUBLIC_KEY)
        feed.hear("referral.requested")
        feed.hear("consent.withdrawn", agencies=["justice"])
        feed.do("seal_delivery", agency="justice", number=1, case_id=CASE, outcome="done", jwe="a.b.c.d.e")
        assert feed.deliveries("justice")[0].seal == "consent_withdrawn"
        assert feed.shelf.get("copies", CASE) is None
        assert not any(fact.private.get("jwe") for fact in feed.facts)


class TestReplay:
    def test_it_comes_again_under_new_numbers(self, feed: Feed) -> None:
        feed.add("statistics", "statistics")
        for _ in range(3):
            feed.hear("risk.escalated")
        answer = feed.do("replay", agency="statistics", **{"from": 2, "to": 3})
        assert answer == {"sent": 2, "next": 4, "last": 5}
        first, again = feed.deliveries("statistics")[1], feed.deliveries("statistics")[3]
        assert (again.number, again.replay_of, again.event_id) == (4, 2, first.event_id)
        assert document(again, URL)["replayof"].endswith("2")

    def test_a_replay_is_not_replayed(self, feed: Feed) -> None:
        feed.add("statistics", "statistics")
        feed.hear("risk.escalated")
        feed.do("replay", agency="statistics", **{"from": 1, "to": 1})
        assert feed.do("replay", agency="statistics", **{"from": 1, "to": 2}) == {"sent": 1, "next": 3, "last": 3}

    def test_the_agreement_of_today_counts(self, feed: Feed) -> None:
        feed.add("justice", "justice")
        feed.hear("referral.requested")
        feed.hear("referral.requested", referral_id=OTHER_REFERRAL, purpose="mediation")
        feed.do("remove_agency", agency="justice")
        less = agreement("justice")
        less["grants"] = [{**less["grants"][0], "fields": ["number"], "identity": ["client.name"]}]
        feed.add("justice", less)
        assert feed.do("replay", agency="justice", **{"from": 1, "to": 2}) == {"sent": 1, "next": 3, "last": 3}
        again = feed.deliveries("justice")[-1]
        assert content(again) == {"number": event_type("referral.requested").example["number"]}
        assert again.identity == ("client.name",)

    def test_what_was_recalled_comes_without_identity(self, feed: Feed) -> None:
        feed.add("justice", "justice")
        feed.hear("referral.requested")
        feed.hear("consent.withdrawn", agencies=["justice"])
        feed.do("replay", agency="justice", **{"from": 1, "to": 2})
        again, recall = feed.deliveries("justice")[2:]
        assert (again.identity, recall.recalls) == ((), (1,))

    def test_a_suspended_agency_cannot_ask(self, feed: Feed) -> None:
        feed.add("justice", "justice")
        feed.do("suspend_agency", agency="justice")
        with pytest.raises(Conflict):
            feed.do("replay", agency="justice", **{"from": 1, "to": 1})


class TestReceipt:
    def test_each_step_is_written_down_once(self, feed: Feed) -> None:
        feed.add("wenzhou-justice", "justice")
        feed.hear("referral.requested")
        for receipt in ("received", "received", "acted"):
            feed.do("record_receipt", agency="wenzhou-justice", number=1, receipt=receipt)
        said = [fact.data for fact in feed.facts if fact.type == "receipt.recorded"]
        assert [(one["receipt"], one["agency"], one["referral_id"]) for one in said] == [
            ("received", "justice", REFERRAL),
            ("acted", "justice", REFERRAL),
        ]
        assert set(feed.deliveries("wenzhou-justice")[0].receipts) == {"received", "acted"}

    @pytest.mark.parametrize(("agency", "number"), [("justice", 2), ("nobody", 1)])
    def test_for_what_is_not_there(self, feed: Feed, agency: str, number: int) -> None:
        feed.add("justice", "justice")
        feed.hear("referral.requested")
        with pytest.raises(NotFound):
            feed.do("record_receipt", agency=agency, number=number, receipt="received")


class TestKeys:
    def test_the_old_one_counts_for_a_day(self, feed: Feed) -> None:
        feed.add("justice", "justice", webhook_url="https://a.example", webhook_secret="whsec_1")
        feed.do(
            "rekey_agency",
            agency="justice",
            key="k00000002",
            webhook_secret="whsec_2",
            broker_password_hash="h",
            now=False,
        )
        agency = feed.agency("justice")
        soon, later = agency.rekeyed_at + timedelta(hours=23), agency.rekeyed_at + timedelta(hours=25)
        assert [agency.counts(key, soon) for key in ("k00000002", "k00000001", "k00000003")] == [True, True, False]
        assert [agency.counts(key, later) for key in ("k00000002", "k00000001")] == [True, False]
        assert (agency.secrets(soon), agency.secrets(later)) == (("whsec_2", "whsec_1"), ("whsec_2",))

    def test_unless_it_must_end_now(self, feed: Feed) -> None:
        feed.add("justice", "justice")
        feed.do(
            "rekey_agency",
            agency="justice",
            key="k00000002",
            webhook_secret="whsec_2",
            broker_password_hash="h",
            now=True,
        )
        assert feed.agency("justice").keys == ("k00000002",)
        assert feed.agency("justice").private.webhook_secrets == ()


def test_a_webhook_is_given_up_and_called_again(feed: Feed) -> None:
    feed.add("justice", "justice", webhook_url="https://a.example", webhook_secret="whsec_1")
    feed.do("stop_calling", agency="justice", number=1, why="gone")
    assert feed.agency("justice").webhook is Webhook.GIVEN_UP
    feed.do("call_again", agency="justice")
    assert feed.agency("justice").webhook is Webhook.ON


def test_a_sandbox_gets_invented_events_only(feed: Feed) -> None:
    feed.add("trial", "justice", sandbox=True)
    feed.add("justice", "justice")
    feed.hear("referral.requested")
    assert not feed.deliveries("trial")
    event = {
        "type": "referral.requested",
        "data": dict(event_type("referral.requested").example),
        "subject": REFERRAL,
        "case": CASE,
    }
    assert feed.do("rehearse", agency="trial", event=event) == {"last": 1}
    assert len(feed.deliveries("justice")) == 1
    with pytest.raises(Conflict):
        feed.do("rehearse", agency="justice", event=event)


@settings(max_examples=60)
@given(
    st.lists(
        st.one_of(
            st.tuples(st.just("hear"), st.sampled_from(["referral.requested", "risk.escalated", "case.created"])),
            st.tuples(st.just("hear"), st.sampled_from(["consent.withdrawn", "case.erased", "referral.cancelled"])),
            st.tuples(st.sampled_from(["suspend_agency", "resume_agency"]), st.sampled_from(["a", "b"])),
            st.tuples(st.just("replay"), st.sampled_from(["a", "b"])),
        ),
        max_size=25,
    )
)
def test_whatever_happens_numbers_have_no_gap_and_closed_stays_closed(steps: list[tuple[str, str]]) -> None:
    feed = Feed()
    feed.add("a", "justice")
    feed.add("b", "statistics")
    for step, what in steps:
        closed = {d.id for name in "ab" for d in feed.deliveries(name) if d.closed}
        _take(feed, step, what)
        assert closed <= {d.id for name in "ab" for d in feed.deliveries(name) if d.closed}
    for name in "ab":
        numbers = [d.number for d in feed.deliveries(name)]
        assert numbers == list(range(1, feed.agency(name).last + 1))


def _take(feed: Feed, step: str, what: str) -> None:
    extra: Mapping[str, Any] = {"from": 1, "to": 100} if step == "replay" else {}
    try:
        if step == "hear":
            feed.hear(what, time=datetime(2026, 3, 2, tzinfo=UTC))
        else:
            feed.do(step, agency=what, **extra)
    except Conflict:
        pass  # a suspended agency gets no replay
