"""Checks data against a marshmallow schema, fast.

marshmallow says what is right, and what is wrong in words; walking its fields takes too long for every event of a
batch. So each schema is translated once into msgspec types, which say only yes or no, in C. A test compares the two
on whatever it can think of.
"""

import re
from collections.abc import Iterator, Mapping
from functools import partial
from typing import Annotated, Any, Literal

import msgspec
from marshmallow import fields

from shared.events.fields import Code, Count, Data, Flag, ListOf, Part, Pattern, Time, is_time

_FIELD_NAME = re.compile(r"[a-z][a-z0-9_]{0,40}")


class _Instant:
    """Stands for a time among the msgspec types: a text that `is_time` accepts."""


_INSTANT = _Instant()


class Checker:
    """The compiled form of one schema: `strict` for what is published, tolerant for what is received."""

    def __init__(self, schema: type[Data]) -> None:
        self._schema = schema()
        self._strict = partial(msgspec.convert, type=_struct(schema, strict=True), dec_hook=_hook)
        self._tolerant = partial(msgspec.convert, type=_struct(schema, strict=False), dec_hook=_hook)

    def accepts(self, data: object, *, strict: bool) -> bool:
        """Return whether data is as declared; unless `strict`, fields that the schema does not know are passed over."""
        try:
            (self._strict if strict else self._tolerant)(data)
        except (msgspec.ValidationError, RecursionError):
            return False
        return True

    def fault(self, data: Mapping[str, Any], *, strict: bool) -> tuple[str, str] | None:
        """Return the first field that is wrong and the reason, or None; a reason quotes no value."""
        return None if self.accepts(data, strict=strict) else self._explained(data, strict=strict)

    def _explained(self, data: Mapping[str, Any], *, strict: bool) -> tuple[str, str] | None:
        for path, reason in _leaves(self._schema.validate(data)):
            if strict or reason != self._schema.error_messages["unknown"]:
                return path, reason
        return None


def _struct(schema: type[Data], *, strict: bool) -> type[msgspec.Struct]:
    members: list[Any] = []
    for name, field in schema().fields.items():
        kind = _native(field, strict=strict)
        if field.allow_none:
            kind = kind | None
        # msgspec wants what is required before what is not, unless members go by keyword
        members.append((name, kind) if field.required else (name, kind | msgspec.UnsetType, msgspec.UNSET))
    return msgspec.defstruct(schema.__name__, members, forbid_unknown_fields=strict, kw_only=True, gc=False)


def _native(field: fields.Field[Any], *, strict: bool) -> Any:
    match field:
        case Code():
            return Literal[field.codes]
        case Time():
            return _Instant
        case Pattern():
            return Annotated[str, msgspec.Meta(pattern=rf"\A(?:{field.pattern})\Z")]
        case Flag():
            return bool
        case Count():
            return Annotated[int, msgspec.Meta(ge=0, le=field.to)]
        case ListOf():
            return list[_native(field.inner, strict=strict)]  # type: ignore[misc]
        case Part():
            return _struct(type(field.schema), strict=strict)  # type: ignore[arg-type]
    raise TypeError(f"no rule how to check a {type(field).__name__}")


def _hook(kind: type, value: Any) -> _Instant:
    if kind is _Instant and isinstance(value, str) and is_time(value):
        return _INSTANT
    raise ValueError("not a time")


def _leaves(errors: Mapping[Any, Any] | list[str], path: str = "") -> Iterator[tuple[str, str]]:
    """Return path and reason of each error, depth first: `case.client.names[0]`."""
    if not isinstance(errors, Mapping):
        yield path, errors[0]
        return
    for key, inner in errors.items():
        yield from _leaves(inner, _joined(path, key))


def _joined(path: str, key: str | int) -> str:
    if isinstance(key, int):
        return f"{path}[{key}]"
    if key == "_schema":
        return path
    # A key that nobody declared could be anything, even a name.
    name = key if isinstance(key, str) and _FIELD_NAME.fullmatch(key) else "?"
    return f"{path}.{name}" if path else name
