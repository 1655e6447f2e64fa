"""A contract for people who write programs: what comes, in which form, and what to do with it."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

import orjson

from services.feed.block import Block, Heading, Listing, Paragraph, Table
from services.feed.contract import Contract, Offer
from services.feed.wording import Wording
from shared.events.vocabulary import GRADES, RECEIPTS

_ATTRIBUTES: Final = (
    "specversion", "id", "source", "type", "time", "dataschema", "sequence", "subject", "dataref", "replayof",
    "datacontenttype",
)  # fmt: skip


def page(contract: Contract, words: Wording, links: Mapping[str, str]) -> list[Block]:
    """Return the page.

    Args:
        links: where the documents for programs are, as `asyncapi` and `schema`.
    """
    return [
        *_top(contract, words, links),
        *_messages(contract, words),
        *_fields(contract, words),
        *_people(contract, words),
        *_envelope(contract, words),
        *_rules(contract, words),
        *_codes(contract, words),
        *_examples(contract, words),
    ]


def _top(contract: Contract, words: Wording, links: Mapping[str, str]) -> Iterator[Block]:
    agreement = contract.agreement
    agency = agreement.title[words.language]
    yield Heading(words("title", agency=agency), 1)
    span = {"from": agreement.valid_from, "until": agreement.valid_until}
    yield Paragraph(words("intro", agency=agency, version=contract.version, agreement=agreement.version, **span))
    yield Paragraph(words("intro_districts", districts=", ".join(contract.agency.districts)))
    if contract.agency.sandbox:
        yield Paragraph(words("intro_sandbox"))
    yield Paragraph(words("machines", **links))


def _messages(contract: Contract, words: Wording) -> Iterator[Block]:
    yield Heading(words("heading.messages"))
    rows = [_message(offer, words) for offer in contract.offers]
    yield Table([words(name) for name in ("event", "when", "purpose", "basis", "content")], rows)


def _message(offer: Offer, words: Wording) -> list[str]:
    about = words.of("events", offer.type)
    if offer.grant is None:
        return [_code(offer.type), about, "–", "–", _codes_of(offer.schema.get("properties", {})) or "–"]
    grant = offer.grant
    content = words(f"forms.{grant.form}", fields=_codes_of(grant.fields))
    limits = [words("conditions", field=_code(name), values=_codes_of(v)) for name, v in grant.where.items()]
    more = [*limits, *([words("of_all")] if grant.of_all else [])]
    return [_code(grant.event), about, _code(grant.purpose), _codes_of(grant.bases), "; ".join([content, *more])]


def _fields(contract: Contract, words: Wording) -> Iterator[Block]:
    """Yield a table for each event whose fields come."""
    heading = True
    for event in dict.fromkeys(offer.type for offer in contract.offers):
        offers = [one for one in contract.offers if one.type == event and one.grant and one.grant.fields]
        rows = {name: row for offer in offers for name, row in _rows(offer, words)}
        if rows:
            if heading:
                yield Heading(words("heading.fields"))
                heading = False
            yield Heading(_code(event), 3)
            yield Table([words(name) for name in ("field", "meaning", "kind", "example")], list(rows.values()))


def _rows(offer: Offer, words: Wording) -> Iterator[tuple[str, list[str]]]:
    example = offer.example["data"] if offer.example else {}
    for name in offer.grant.fields if offer.grant else ():
        schema, value = _at(offer.schema, example, name)
        meaning = words.of("fields", name) or words.of("fields", name.rpartition(".")[2])
        shown = _code(orjson.dumps(value).decode()) if value is not None else "–"
        yield name, [_code(name), meaning, words(f"kinds.{_kind(schema)}"), shown]


def _at(schema: Mapping[str, Any], value: Any, name: str) -> tuple[Mapping[str, Any], Any]:
    for part in name.split("."):
        schema = schema["properties"][part]
        value = value.get(part) if isinstance(value, Mapping) else None
    return schema, value


def _kind(schema: Mapping[str, Any]) -> str:
    match schema:
        case {"const": _} | {"enum": _} | {"examples": _}:
            return "code"
        case {"type": "array"}:
            return "codes"
        case {"type": "boolean"}:
            return "flag"
        case {"type": "integer"}:
            return "count"
        case {"format": "date-time"}:
            return "time"
        case {"pattern": pattern} if "[0-9a-f]{8}-" in pattern:
            return "id"
    return "text"


def _people(contract: Contract, words: Wording) -> Iterator[Block]:
    grants = [offer.grant for offer in contract.offers if offer.grant and offer.grant.identity]
    yield Heading(words("heading.identity"))
    if not grants:
        yield Paragraph(words("text.identity_none"))
        return
    yield Paragraph(words("text.identity"))
    head = [words(name) for name in ("event", "purpose", "basis", "people")]
    rows = [[_code(g.event), _code(g.purpose), _codes_of(g.bases), _codes_of(g.identity)] for g in grants]
    yield Table(head, rows)
    known = dict.fromkeys(name for grant in grants for name in grant.identity)
    yield Table([words("field"), words("meaning")], [[_code(name), words.of("identity", name)] for name in known])
    yield Paragraph(words("text.identity_refused"))
    if contract.is_sealed:
        yield Paragraph(words("text.sealed"))


def _envelope(contract: Contract, words: Wording) -> Iterator[Block]:
    yield Heading(words("heading.envelope"))
    yield Paragraph(words("text.envelope"))
    seen = {name: str(value) for o in reversed(contract.offers) for name, value in (o.example or {}).items()}
    last = seen.get("sequence", "")
    shown = {**seen, "replayof": last}
    rows = [[_code(n), words(f"attributes.{n}"), _code(shown[n])] for n in _ATTRIBUTES if n in shown]
    yield Table([words(name) for name in ("attribute", "meaning", "example")], rows)


def _rules(contract: Contract, words: Wording) -> Iterator[Block]:
    """Yield how it comes, and what is to be done with it."""
    address = f"{contract.url}/feeds/{contract.agency.id}"
    curl = 'curl -H "Authorization: Bearer $TOKEN"'
    json = "-H 'Content-Type: application/json'"
    yield Heading(words("heading.order"))
    yield Paragraph(words("text.order"))
    yield Heading(words("heading.ways"))
    yield Paragraph("1. " + words("text.ways_stream", stream=f"feed.{contract.agency.id}"))
    yield Paragraph("2. " + words("text.ways_webhook"))
    yield Paragraph("3. " + words("text.ways_events"))
    yield Listing(f"{curl} -N '{address}/stream?after=0'", "sh")
    yield Paragraph(words("text.ways_pages"))
    yield Listing(f"{curl} '{address}/events?after=0&limit=100'", "sh")
    yield Heading(words("heading.receipts"))
    yield Paragraph(words("text.receipts"))
    for receipt in RECEIPTS[:1]:
        body = orjson.dumps({"number": 1, "receipt": receipt}).decode()
        yield Listing(f"{curl} {json} -d '{body}' '{address}/receipts'", "sh")
    yield Heading(words("heading.again"))
    yield Paragraph(words("text.again"))
    yield Listing(f"{curl} {json} -d '{{\"from\":1}}' '{address}/replays'", "sh")
    for name in ("recall", "own", "changes"):
        yield Heading(words(f"heading.{name}"))
        yield Paragraph(words(f"text.{name}"))


def _codes(contract: Contract, words: Wording) -> Iterator[Block]:
    grants = [offer.grant for offer in contract.offers if offer.grant]
    groups = {
        "purposes": dict.fromkeys(grant.purpose for grant in grants),
        "bases": dict.fromkeys(basis for grant in grants for basis in grant.bases),
    }
    yield Heading(words("heading.codes"))
    yield Paragraph(words("text.codes"))
    rows = [[_code(code), words.of(group, code) or "–"] for group, codes in groups.items() for code in codes]
    yield Table([words("code"), words("meaning")], rows)
    if any("grade" in grant.fields for grant in grants):
        yield Paragraph(f"`grade`: {' < '.join(map(_code, GRADES))}")


def _examples(contract: Contract, words: Wording) -> Iterator[Block]:
    yield Heading(words("heading.examples"))
    for offer in contract.offers:
        if offer.example:
            yield Heading(_code(offer.key), 3)
            yield Listing(orjson.dumps(offer.example, option=orjson.OPT_INDENT_2).decode(), "json")


def _code(text: str) -> str:
    return f"`{text}`"


def _codes_of(names: Iterable[str]) -> str:
    return ", ".join(map(_code, names))
