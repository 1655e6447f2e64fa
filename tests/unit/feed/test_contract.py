"""What developers are promised is what comes: schemas, examples and pages of every agreement."""

import json
from collections.abc import Iterator
from html.parser import HTMLParser
from itertools import pairwise
from typing import Any

import pytest
from jsonschema import Draft202012Validator, ValidationError
from msgspec.structs import replace

from deploy.feed_reference import contracts
from deploy.sample.events import sample_events
from services.feed import envelope
from services.feed.agency import Secrets
from services.feed.agreement import picked
from services.feed.asyncapi import asyncapi
from services.feed.block import Heading, Listing, Paragraph, Table, html, markdown
from services.feed.contract import Contract
from services.feed.contract_page import contract_page
from services.feed.delivery import Delivery
from services.feed.document_schema import json_schema
from services.feed.model import FeedModel
from services.feed.page import page
from services.feed.shareable import shareable
from services.feed.wording import LANGUAGES, preferred, wording
from shared.events.vocabulary import BASES, IDENTITY_FIELDS, PURPOSES
from shared.kernel import Message, Ref, run

CONTRACTS = {contract.agency.kind: contract for contract in contracts()}
LINKS = {"asyncapi": "a.yaml", "schema": "s.json"}

each_contract = pytest.mark.parametrize("kind", CONTRACTS)
each_language = pytest.mark.parametrize("language", LANGUAGES)


def week() -> dict[str, list[Delivery]]:
    """Return by agency what the sample week delivers to one of each kind."""
    model = FeedModel(shareable())
    shelf = model.shelf()
    for contract in CONTRACTS.values():
        shelf.put(Ref("agency", contract.agency.id), contract.agency)
    for n, event in enumerate(sample_events()):
        message = Message(
            id=str(n), type=event.type, time=event.time, data=event.data, subject=event.subject, case=event.case
        )
        run(model, shelf, message)
    deliveries: list[Delivery] = sorted(shelf.all("delivery"), key=lambda one: one.number)
    return {kind: [one for one in deliveries if one.agency == kind] for kind in CONTRACTS}


def key(contract: Contract, delivery: Delivery) -> str:
    """Return the name of the message that a delivery is."""
    keys = [
        offer.key
        for offer in contract.offers
        if offer.type == delivery.type
        and (offer.grant is None or offer.grant.of_all or offer.grant.purpose == delivery.purpose)
    ]
    assert len(keys) == 1
    return keys[0]


def resolved(document: dict[str, Any], name: str) -> Draft202012Validator:
    """Return what checks against a schema of an AsyncAPI document."""
    return Draft202012Validator({**document, "$ref": f"#/components/schemas/{name}"})


def test_all_that_the_sample_week_delivers_is_as_the_contracts_say() -> None:
    delivered = week()

    assert all(delivered.values()), "an agency that gets nothing proves nothing"
    for kind, contract in CONTRACTS.items():
        whole = json_schema(contract)
        document = asyncapi(contract)
        for delivery in delivered[kind]:
            name = key(contract, delivery)
            sent = envelope.document(delivery, contract.url)
            Draft202012Validator(whole["$defs"][name]).validate(sent)
            resolved(document, f"{name}.document").validate(sent)
            headers, _ = envelope.amqp(envelope.attributes(delivery, contract.url))
            Draft202012Validator(document["components"]["messages"][name]["headers"]).validate(headers)


@each_contract
def test_every_example_is_a_message_that_the_schema_allows(kind: str) -> None:
    contract = CONTRACTS[kind]
    whole, document = json_schema(contract), asyncapi(contract)
    Draft202012Validator.check_schema(whole)

    for offer in contract.offers:
        assert offer.example is not None, offer.key
        Draft202012Validator(whole["$defs"][offer.key]).validate(offer.example)
        message = document["components"]["messages"][offer.key]
        (example,) = message["examples"]
        Draft202012Validator(message["headers"]).validate(example["headers"])
        resolved(document, offer.key).validate(example["payload"])
        assert example["payload"] == offer.example["data"]


@each_contract
def test_an_example_holds_the_chosen_fields_and_the_schema_allows_no_other(kind: str) -> None:
    for offer in CONTRACTS[kind].offers:
        if offer.grant is None or offer.example is None:
            continue
        data = offer.example["data"]
        validator = Draft202012Validator(offer.schema)
        assert data == picked(data, offer.grant.fields)
        assert ("dataref" in offer.example) == bool(offer.grant.identity)
        assert ("subject" in offer.example) == (offer.grant.form != "empty")
        with pytest.raises(ValidationError):
            validator.validate({**data, "client": "somebody"})
        for name in data:
            with pytest.raises(ValidationError):
                validator.validate({other: value for other, value in data.items() if other != name})


def test_a_message_for_one_purpose_is_none_for_another() -> None:
    police = {offer.key: offer for offer in CONTRACTS["police"].offers}
    protect, report = police["referral.requested.protect"], police["referral.requested.mandatory_report"]
    assert protect.example is not None

    with pytest.raises(ValidationError):
        Draft202012Validator(report.schema).validate(protect.example["data"])


def test_for_an_agency_with_a_key_identity_stands_sealed_in_the_data() -> None:
    court = CONTRACTS["court"]
    private = Secrets(agreement=court.agency.private.agreement, public_key={"kty": "RSA"})
    sealed = Contract(agency=replace(court.agency, private=private), url=court.url)
    requested, cancelled = (offer for offer in sealed.offers if offer.grant)

    assert requested.example is not None
    assert cancelled.example is not None
    Draft202012Validator(requested.schema).validate(requested.example["data"])
    assert requested.example["data"]["sealed"].count(".") == 4
    assert "sealed" not in cancelled.example["data"]
    assert "`sealed`" in markdown(page(sealed, wording("en"), LINKS))


def test_an_agreement_of_a_city_is_described_too() -> None:
    grants: list[dict[str, Any]] = [
        {"event": "case.created", "purpose": "know", "basis": "duty", "form": "fields",
         "fields": ["case.id", "case.grade"], "where": {"case.district": "330381"}},
        {"event": "volunteer.assigned", "purpose": "know", "basis": "duty", "form": "id"},
    ]  # fmt: skip
    content = {**CONTRACTS["grid"].agency.private.agreement, "grants": grants}
    agency = replace(CONTRACTS["grid"].agency, districts=("330381",), private=Secrets(agreement=content))
    contract = Contract(agency=agency, url="https://feed.example.cn/base")

    case, volunteer = contract.offers[:2]
    assert case.example is not None
    assert volunteer.example is not None
    assert set(case.example["data"]["case"]) == {"id", "grade"}
    Draft202012Validator(json_schema(contract)["$defs"][case.key]).validate(case.example)
    assert volunteer.example["data"] == {}
    for language in LANGUAGES:
        assert "`case.grade`" in markdown(page(contract, wording(language), LINKS))


def test_the_words_are_there_in_both_languages_for_all_that_can_be_agreed() -> None:
    for language in LANGUAGES:
        words = wording(language)
        fields = {name for names in shareable().values() for name in names}
        groups = {"fields": fields, "events": set(shareable()), "identity": set(IDENTITY_FIELDS),
                  "purposes": set(PURPOSES), "bases": set(BASES)}  # fmt: skip
        for group, names in groups.items():
            assert [name for name in names if not words.of(group, name)] == []


def leaves(words: Any, path: str = "") -> Iterator[str]:
    if isinstance(words, dict):
        for name, inner in words.items():
            yield from leaves(inner, f"{path}.{name}")
    else:
        yield path


def test_both_languages_have_the_same_texts() -> None:
    zh, en = (set(leaves(wording(language)._words)) for language in LANGUAGES)
    assert zh == en


class Outline(HTMLParser):
    """What somebody meets who does not see the page."""

    VOID = frozenset({"meta", "!doctype"})

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attributes)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


@each_language
@each_contract
def test_a_page_can_be_read_by_everybody_and_needs_nothing_from_elsewhere(kind: str, language: str) -> None:
    text = html(page(CONTRACTS[kind], wording(language), LINKS), language)

    outline = Outline(text)
    names = [tag for tag, _ in outline.tags]
    assert outline.open == []
    assert not {"script", "img", "iframe", "link", "object"} & set(names)
    assert dict(outline.tags)["html"] == {"lang": language}
    assert names.count("h1") == names.count("main") == names.count("title") == 1
    levels = [int(name[1]) for name in names if name in {"h1", "h2", "h3"}]
    assert all(after <= before + 1 for before, after in pairwise(levels))
    assert all(attributes.get("scope") for tag, attributes in outline.tags if tag == "th")


def test_what_a_city_writes_is_shown_and_not_obeyed() -> None:
    blocks = [
        Heading("<b>", 1),
        Paragraph("`<script>` & <i>"),
        Table(["a|b"], [["`<td>`", "|"]]),
        Listing("</pre>", "sh"),
    ]

    shown = html(blocks, "en")

    assert "&lt;script&gt;" in shown
    assert not any(tag in shown for tag in ("<script>", "<i>", "<b>", "</pre></code>"))
    assert r"| a\|b |" in markdown(blocks)


@pytest.mark.parametrize(
    ("accepted", "language"),
    [
        ("", "zh"),
        ("*", "zh"),
        ("en", "en"),
        ("zh-CN,zh;q=0.9,en;q=0.8", "zh"),
        ("en-GB, zh;q=0.5", "en"),
        ("fr, en;q=0.2", "en"),
        ("en;q=0, zh;q=0.1", "zh"),
        ("en;q=x", "zh"),
        ("fr", "zh"),
    ],
)
def test_the_language_is_the_one_that_is_asked_for(accepted: str, language: str) -> None:
    assert preferred(accepted) == language


@pytest.mark.parametrize(
    ("accept", "content_type"),
    [
        ("", "application/json"),
        ("*/*", "application/json"),
        ("application/json, text/html", "application/json"),
        ("text/html,application/xhtml+xml,*/*;q=0.8", "text/html; charset=utf-8"),
        ("TEXT/HTML;q=0.9", "text/html; charset=utf-8"),
    ],
)
def test_programs_are_answered_asyncapi_and_people_a_page(accept: str, content_type: str) -> None:
    court = CONTRACTS["court"]

    answer = contract_page(court.agency, court.url, accept, "en")

    assert answer.content_type == content_type
    if content_type == "application/json":
        assert json.loads(answer.body) == json.loads(json.dumps(asyncapi(court)))
    else:
        assert answer.language == "en"
        assert b'<html lang="en">' in answer.body
