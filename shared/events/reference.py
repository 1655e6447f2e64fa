"""The reference of the events for readers: one table, one section for each event, the parts and the codes."""

from collections.abc import Iterator
from typing import Any

import orjson
from marshmallow import Schema
from marshmallow.fields import Field

from shared.events import vocabulary
from shared.events.catalogue import Catalogue
from shared.events.declaration import EventType
from shared.events.fields import Code, Count, Flag, ListOf, OpenCode, Part, Pattern

_HEAD = """\
# Events

What the services tell each other. Generated from `shared/events` by `python -m shared.events.generate`; do not edit.

Each event is a CloudEvent (1.0). On the bus the body is its data as JSON and every attribute is a text header
`cloudEvents_<name>`; the exchange is `<owner>.events` (topic), the routing key the event's name. Besides the
standard's own attributes there are `sequence` (without gap for each owner), `correlationid` (the case),
`causationid` and `traceparent`. [asyncapi.yaml](asyncapi.yaml) says the same to machines, `schemas/` holds a JSON
Schema for each event.

Adding an optional field keeps an event's version, so pass over fields that you do not know. Anything else is a new
version; older ones are brought to it when they are read. No event holds a name, a telephone number, an address or a
narrative: persons and places are blind tokens, which can be compared and not read.
"""

#: The lists of the vocabulary by what is in them.
_VOCABULARIES = {
    codes: name.lower().replace("_", " ")
    for name, codes in vars(vocabulary).items()
    if isinstance(codes, tuple) and isinstance(codes[0], str) and codes[0].isascii()
}


def reference(catalogue: Catalogue) -> str:
    """Return the reference as Markdown."""
    return "\n".join([_HEAD, *_table(catalogue), "", *_sections(catalogue), *_parts(catalogue), *_codes()])


def schema_file(declared: EventType) -> str:
    """Return where the JSON Schema of an event lies, seen from the reference."""
    return f"schemas/{declared.type}.v{declared.version}.json"


def _table(catalogue: Catalogue) -> Iterator[str]:
    yield "| owner | event | version | when | listeners | fields |"
    yield "|---|---|---|---|---|---|"
    for declared in catalogue:
        names = ", ".join(f"`{name}`" for name in declared.schema().fields)
        listeners = ", ".join(declared.listeners) or "–"
        yield (
            f"| {declared.owner} | [`{declared.type}`](#{_anchor(declared.type)}) | {declared.version} "
            f"| {declared.about} | {listeners} | {names} |"
        )


def _parts(catalogue: Catalogue) -> Iterator[str]:
    parts: dict[str, Schema] = {}
    for declared in catalogue:
        _collect(declared.schema(), parts)
    yield "## Parts\n\nObjects inside the data of events.\n"
    for name, schema in sorted(parts.items()):
        yield f"### {name}\n\n{_sentence(schema)}\n"
        yield from _fields(schema)


def _collect(schema: Schema, parts: dict[str, Schema]) -> None:
    for field in schema.fields.values():
        inner = field.inner if isinstance(field, ListOf) else field
        if isinstance(inner, Part):
            parts[type(inner.schema).__name__] = inner.schema
            _collect(inner.schema, parts)


def _sections(catalogue: Catalogue) -> Iterator[str]:
    owner = ""
    for declared in catalogue:
        if declared.owner != owner:
            owner = declared.owner
            yield f"## Published by {owner}\n"
        yield f"### {declared.type}\n\n{declared.about}\n"
        yield f"Version {declared.version}, [schema]({schema_file(declared)}). {_listeners(declared)}\n"
        yield from _fields(declared.schema())
        example = orjson.dumps(declared.example, option=orjson.OPT_INDENT_2).decode()
        yield f"<details><summary>Example</summary>\n\n```json\n{example}\n```\n\n</details>\n"


def _listeners(declared: EventType) -> str:
    if declared.listeners:
        return f"Acted on by {', '.join(declared.listeners)}."
    return f"No service acts on it: {declared.reason}"


def _fields(schema: Schema) -> Iterator[str]:
    yield "| field | type | meaning |\n|---|---|---|"
    for name, field in schema.fields.items():
        optional = "" if field.required else " (optional)"
        null = " or null" if field.allow_none else ""
        yield f"| `{name}`{optional} | {_kind(field)}{null} | {field.metadata.get('description', '')} |"
    yield ""


def _kind(field: Field[Any]) -> str:
    """Return the type of a field in words."""
    match field:
        case Part():
            name = type(field.schema).__name__
            return f"[{name}](#{_anchor(name)})"
        case ListOf():
            return f"list: {_kind(field.inner)}"
        case Code():
            return f"one of the {_named(field.codes)}"
        case OpenCode():
            known = tuple(field.metadata.get("examples", ()))
            return "code of the rules" + (f", by default one of the {_named(known)}" if known else "")
        case Pattern():
            return field.what.removeprefix("an ").removeprefix("a ")
        case Count():
            return f"whole number, 0 to {field.to}"
        case Flag():
            return "true or false"
    raise TypeError(f"no words for a {type(field).__name__}")


def _named(codes: tuple[str, ...]) -> str:
    name = _VOCABULARIES.get(codes)
    if name is None:
        return "codes " + ", ".join(f"`{code}`" if code else "(empty)" for code in codes)
    return f"[{name}](#{_anchor(name)})"


def _codes() -> Iterator[str]:
    yield "## Codes\n"
    for codes, name in _VOCABULARIES.items():
        yield f"### {name}\n\n" + ", ".join(f"`{code}`" for code in codes) + "\n"


def _sentence(schema: Schema) -> str:
    return " ".join((type(schema).__doc__ or "").split())


def _anchor(heading: str) -> str:
    return heading.lower().replace(".", "").replace(" ", "-")
