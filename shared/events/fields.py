"""The kinds of value that the data of an event is made of: marshmallow fields that are strict.

There is no field for free text: a text is a code of the vocabulary, or it matches a pattern that no name, telephone
number or sentence fits. Nothing is converted; a number in quotes is an error. Every field is required unless it says
otherwise, and each tells the JSON Schema that says the same.
"""

import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, TypedDict, Unpack

from marshmallow import RAISE, Schema, fields, validate

_TIME = (
    r"[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])"
    r"T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\.[0-9]{1,6})?(Z|[+-]([01][0-9]|2[0-3]):[0-5][0-9])"
)
_UUID = r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
#: A short id has at most six digits, so that no telephone number is one.
_SHORT_ID = r"[a-z]{1,3}[0-9]{1,6}"
_OPEN_CODE = r"(?!([^0-9]*[0-9]){7})[a-z][a-z0-9]{0,30}(_[a-z0-9]{1,30}){0,9}"
#: 128 bits in base64url (`shared/privacy/blind.py`); the last of 22 characters has only four values.
_TOKEN = r"[A-Za-z0-9_-]{21}[AQgw]"  # noqa: S105


class Data(Schema):
    """The data of an event or a part of it; an unknown field is an error."""

    class Meta:
        unknown = RAISE


class Options(TypedDict, total=False):
    """What every field can say besides its kind."""

    #: What it means, for the reference; empty where the name says it.
    about: str
    #: False for a field that came with a later release; true unless said.
    required: bool
    #: Whether it may be null; false unless said.
    null: bool


def _common(options: Options) -> dict[str, Any]:
    return {
        "required": options.get("required", True),
        "allow_none": options.get("null", False),
        "metadata": _described(options),
    }


def _described(options: Options) -> dict[str, Any]:
    about = options.get("about", "")
    return {"description": about} if about else {}


class Text(fields.String):
    """A text; only its subclasses are used, each says which texts are allowed."""

    def __init__(self, check: validate.Validator, **options: Unpack[Options]) -> None:
        super().__init__(validate=check, **_common(options))

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> str:
        if not isinstance(value, str):
            raise self.make_error("invalid")
        return value


class Code(Text):
    """One of the codes of a vocabulary."""

    def __init__(self, codes: Iterable[str], **options: Unpack[Options]) -> None:
        self.codes = tuple(codes)
        super().__init__(validate.OneOf(self.codes), **options)


class Pattern(Text):
    """A text that matches a pattern as a whole; the pattern is written without anchors.

    `what`: what such a text is, in words ("an id").
    """

    def __init__(self, pattern: str, what: str, **options: Unpack[Options]) -> None:
        self.pattern = pattern
        self.what = what
        super().__init__(validate.Regexp(rf"(?:{pattern})\Z", error=f"Not {what}."), **options)


class Id(Pattern):
    """The id of a case, report, referral, volunteer or notice: a UUID, or a short id such as "v012"."""

    def __init__(self, **options: Unpack[Options]) -> None:
        super().__init__(rf"{_UUID}|{_SHORT_ID}", "an id", **options)


class Token(Pattern):
    """A blind token: persons and places are compared by it and cannot be read from it."""

    def __init__(self, **options: Unpack[Options]) -> None:
        super().__init__(_TOKEN, "a blind token", **options)


class District(Pattern):
    """A district down to the county: 2 digits (province), 4 (city) or 6 (county)."""

    def __init__(self, **options: Unpack[Options]) -> None:
        super().__init__(r"[0-9]{2}([0-9]{2}([0-9]{2})?)?", "a district down to the county", **options)


class OpenCode(Pattern):
    """A code of a list that no release can close, because a city may add to it in its rules.

    `known`: the codes of the default rules, for the reference. With six digits at most no telephone number is one.
    """

    def __init__(self, known: Iterable[str] = (), **options: Unpack[Options]) -> None:
        super().__init__(_OPEN_CODE, "a code like 'legal_aid'", **options)
        self.metadata = _described(options) | ({"examples": list(known)} if known else {})


class Time(Pattern):
    """A point in time in ISO 8601 with its offset."""

    def __init__(self, **options: Unpack[Options]) -> None:
        super().__init__(_TIME, "a time with an offset", **options)
        self.metadata = _described(options) | {"format": "date-time"}

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> str:
        text = super()._deserialize(value, attr, data, **kwargs)
        if not is_time(text):
            raise self.make_error("validator_failed")
        return text


class Flag(fields.Boolean):
    """True or false; neither 1 nor "yes"."""

    def __init__(self, **options: Unpack[Options]) -> None:
        super().__init__(**_common(options))

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> bool:
        if not isinstance(value, bool):
            raise self.make_error("invalid", input="")
        return value


class Count(fields.Integer):
    """A whole number from 0 to a limit."""

    def __init__(self, *, to: int, **options: Unpack[Options]) -> None:
        self.to = to
        super().__init__(validate=validate.Range(min=0, max=to), **_common(options))

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> int:
        if type(value) is not int:
            raise self.make_error("invalid")
        return value


class ListOf(fields.List[Any]):
    """A list of values of one kind."""

    def __init__(self, inner: fields.Field[Any], **options: Unpack[Options]) -> None:
        super().__init__(inner, **_common(options))

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> list[Any]:
        if not isinstance(value, list | tuple):
            raise self.make_error("invalid")
        return super()._deserialize(value, attr, data, **kwargs)


class Part(fields.Nested):
    """An object inside the data."""

    def __init__(self, schema: type[Data], **options: Unpack[Options]) -> None:
        super().__init__(schema, **_common(options))


def codes(vocabulary: Iterable[str], **options: Unpack[Options]) -> ListOf:
    """Return the field of a list of codes."""
    return ListOf(Code(vocabulary), **options)


_time = re.compile(_TIME)


def is_time(text: str) -> bool:
    """Return whether a text is a time that exists, with its offset, to the microsecond at most."""
    if not _time.fullmatch(text):
        return False
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return True
