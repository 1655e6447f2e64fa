"""What the services say in the sample week is what the catalogue allows, and tells nobody who anybody is."""

from collections.abc import Iterator
from typing import Any

import orjson
import pytest

from shared.events import CATALOGUE, check, event_type
from shared.kernel import Fact
from shared.privacy.blind import BlindIndex
from tests.acceptance import city as acceptance
from tests.acceptance.city import WEEK, City, lines

REPORTS = [*lines(WEEK / "earlier.jsonl"), *lines(WEEK / "reports.jsonl")]
VOLUNTEERS = lines(WEEK / "volunteers.jsonl")
IDENTIFYING = {"name", "phone", "id_number", "address", "narrative", "organisation", "birth_date", "code_word"}


@pytest.fixture(scope="module")
def published() -> list[tuple[str, Fact]]:
    """Every fact of the week with the service that states it; tokens are made as at the edge."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(acceptance, "blind", BlindIndex(bytes(32)))
        city = City(VOLUNTEERS)
        city.receive_all(REPORTS)
    return [(service.model.name, fact) for service in city.services for fact in service.facts]


def test_every_fact_may_be_published_by_the_service_that_states_it(published: list[tuple[str, Fact]]) -> None:
    for service, fact in published:
        check(fact.type, fact.data)
        assert event_type(fact.type).owner == service


def test_the_week_shows_most_events(published: list[tuple[str, Fact]]) -> None:
    # The rest take a person, a sender, an agency or a disclosure.
    declared_by_others = {declared.type for declared in CATALOGUE if declared.owner != "feed"}
    unseen = declared_by_others - {fact.type for _, fact in published}

    assert unseen <= {
        "identity.disclosed",
        "consent.withdrawn",
        "case.erased",
        "referral.receipted",
        "notice.sent",
        "notice.failed",
    }


def test_nothing_that_is_published_tells_who_anybody_is(published: list[tuple[str, Fact]]) -> None:
    said = "\n".join(orjson.dumps(fact.data).decode() for _, fact in published)
    secrets = set(identities(REPORTS)) | set(identities(VOLUNTEERS))

    assert len(secrets) > 400
    assert not [secret for secret in secrets if secret in said]


def identities(value: Any, key: str = "") -> Iterator[str]:
    """Return every text under a key that says who or where somebody is."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from identities(inner, name)
    elif isinstance(value, list):
        for inner in value:
            yield from identities(inner, key)
    elif isinstance(value, str) and value and (key in IDENTIFYING or key == "must_not_meet"):
        yield value
