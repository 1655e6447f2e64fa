"""JSON Schemas (draft 2020-12) of what an agreement lets out of an event: the chosen fields, and nothing else."""

from collections.abc import Mapping
from typing import Any, Final

from services.feed.agreement import Grant
from services.feed.envelope import SEALED
from shared.events import EventType
from shared.events.jsonschema import data_schemas

_SEALED: Final = {
    "type": "string",
    "pattern": r"^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]*){4}$",
    "description": "Identity, sealed to the agency's public key: a JWE in compact form.",
}
_CLOSED: Final = {"type": "object", "additionalProperties": False}
_NUMBER: Final = {"type": "integer", "minimum": 1}

#: Of what feed says of itself.
RECALL_SCHEMA: Final[Mapping[str, Any]] = {
    **_CLOSED,
    "required": ["numbers", "reason"],
    "properties": {
        "numbers": {"type": "array", "items": _NUMBER, "description": "Deliveries that must be used no longer."},
        "reason": {"enum": ["consent_withdrawn", "referral_cancelled", "erased"]},
    },
}
WITHHELD_SCHEMA: Final[Mapping[str, Any]] = {**_CLOSED, "properties": {}, "description": "Nothing is left to tell."}
HEARTBEAT_SCHEMA: Final[Mapping[str, Any]] = {
    **_CLOSED,
    "required": ["last"],
    "properties": {
        "last": {"type": "integer", "minimum": 0, "description": "The number of the last delivery; 0 before the first."}
    },
}


def data_schema(event: EventType, grant: Grant, kind: str, *, sealed: bool = False) -> dict[str, Any]:
    """Return the schema of the data that an agency of a kind gets by a grant.

    Args:
        sealed: identity travels in the data, sealed to the agency's key.
    """
    if grant.form != "fields":
        return {**_CLOSED, "properties": {}, "description": "Nothing: the attributes tell all."}
    schemas = data_schemas(event)
    schema = _narrowed(schemas, schemas[event.schema.__name__], grant, kind, "")
    if sealed and grant.identity:
        schema["properties"][SEALED] = dict(_SEALED)
    return schema


def _narrowed(
    schemas: Mapping[str, Any], schema: Mapping[str, Any], grant: Grant, kind: str, prefix: str
) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, inner in schema["properties"].items():
        dotted = f"{prefix}{name}"
        if dotted in grant.fields:
            found[name] = _valued(inner, _values(dotted, grant, kind))
        elif reference := inner.get("$ref"):
            part = _narrowed(schemas, schemas[reference.rpartition("/")[2]], grant, kind, f"{dotted}.")
            if part["properties"]:
                found[name] = part
    required = [name for name in found if name in schema.get("required", ())]
    return {**_CLOSED, "required": required, "properties": found}


def _valued(inner: Mapping[str, Any], values: Mapping[str, Any]) -> dict[str, Any]:
    if not values:
        return dict(inner)
    return {**{key: inner[key] for key in ("type", "description") if key in inner}, **values}


def _values(name: str, grant: Grant, kind: str) -> dict[str, Any]:
    """Return what is known beforehand of a field of a message that a grant lets out."""
    if name in grant.where:
        return {"enum": list(grant.where[name])}
    if grant.of_all:
        return {}
    known: dict[str, Any] = {
        "agency": {"const": kind},
        "purpose": {"const": grant.purpose},
        "basis": {"enum": list(grant.bases)},
    }
    return known.get(name, {})  # type: ignore[no-any-return]
