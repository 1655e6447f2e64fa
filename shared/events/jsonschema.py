"""JSON Schemas (draft 2020-12) of the data of events, made from their marshmallow schemas."""

from collections.abc import Mapping
from typing import Any

from marshmallow_jsonschema import JSONSchema

from shared.events.declaration import EventType
from shared.events.envelope import schema_uri

DRAFT = "https://json-schema.org/draft/2020-12/schema"

_COMMENT = (
    "What this release publishes. A later release may add optional fields under the same version: "
    "who reads events passes over fields that it does not know."
)


def json_schema(declared: EventType) -> dict[str, Any]:
    """Return the schema of an event's data as a document of its own, the parts under `$defs`."""
    definitions = data_schemas(declared)
    root = definitions.pop(declared.schema.__name__)
    document = {
        "$schema": DRAFT,
        "$id": schema_uri(declared.type, declared.version),
        "$comment": _COMMENT,
        "title": f"{declared.type}, version {declared.version}",
        "description": declared.about,
        **root,
        "examples": [declared.example],
    }
    return {**document, "$defs": definitions} if definitions else document


def data_schemas(declared: EventType, path: str = "$defs") -> dict[str, Any]:
    """Return the schema of an event's data and of every part of it by class name; references go to `#/<path>/`."""
    drawn = JSONSchema(props_ordered=True, definitions_path="definitions").dump(declared.schema())
    return {name: _corrected(schema, path) for name, schema in drawn["definitions"].items()}


def _corrected(schema: Mapping[str, Any], path: str) -> dict[str, Any]:
    """Return what marshmallow-jsonschema draws as what is meant.

    It copies Python's `\\Z` into patterns, forgets that an enum may be null, sorts what is required, repeats each
    field's name as its title and gives names to enums that have none.
    """
    if "$ref" in schema:
        described = {"description": schema["description"]} if "description" in schema else {}
        return {"$ref": f"#/{path}/{schema['$ref'].rpartition('/')[2]}", **described}
    fixed = {key: value for key, value in schema.items() if key not in ("title", "enumNames")}
    if "pattern" in fixed:
        fixed["pattern"] = f"^{fixed['pattern'].removesuffix(chr(92) + 'Z')}$"
    if "enum" in fixed and "null" in fixed["type"]:
        fixed["enum"] = [*fixed["enum"], None]
    if "items" in fixed:
        fixed["items"] = _corrected(fixed["items"], path)
    if "properties" in fixed:
        fixed["properties"] = {name: _corrected(inner, path) for name, inner in fixed["properties"].items()}
        fixed["required"] = [name for name in fixed["properties"] if name in schema.get("required", ())]
    return fixed
