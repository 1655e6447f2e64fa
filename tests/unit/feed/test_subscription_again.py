"""An agency that was removed and is added again goes on counting, and gets nothing of its earlier subscription."""

from tests.unit.feed.subscribers import Feed


def test_a_first_subscription_begins_at_the_beginning() -> None:
    feed = Feed()
    feed.add("justice", "justice")

    assert feed.agency("justice").since == 0


def test_a_second_one_begins_after_what_the_first_got() -> None:
    feed = Feed()
    feed.add("justice", "justice")
    feed.hear("referral.requested")
    feed.do("remove_agency", agency="justice")
    feed.add("justice", "justice")
    feed.hear("referral.requested", referral_id="019cabd8-3f40-7b68-a1d7-0e4f5c2b9a99")

    assert feed.agency("justice").since == 1
    assert [one.number for one in feed.deliveries("justice")] == [1, 2]
