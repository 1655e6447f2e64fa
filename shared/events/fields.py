"""The kinds of value that the data of an event is made of: marshmallow fields that are strict.

There is no field for free text: a text is a code of the vocabulary, or it matches a pattern that no name, telephone
number or sentence fits. Nothing is converted; a number in quotes is an error. Every field is required unless it says
otherwise, and each tells the JSON Schema that says the same.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from marshmallow import RAISE, Schema, fields, validate

_TIME = (
    r"[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])"
    r"T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\.[0-9]{1,6})?(Z|[+-]([01][0-9]|2[0-3]):[0-5][0-9])"
)
_UUID = r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
#: A short id has at most six digits, so that no telephone number is one.
_SHORT_ID = r"[a-z]{1,3}[0-9]{1,6}"
#: 128 bits in base64url (`shared/privacy/blind.py`); the last of 22 characters has only four values.
_TOKEN = r"[A-Za-z0-9_-]{21}[AQgw]"  # noqa: S105


class Data(Schema):
    """The data of an event or a part of it; an unknown field is an error."""

    class Meta:
        unknown = RAISE


class Text(fields.String):
    """A text; only its subclasses are used, each says which texts are allowed."""

    def __init__(self, *, required: bool = True, null: bool = False, check: validate.Validator) -> None:
        super().__init__(required=required, allow_none=null, validate=check)

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> str:
        if not isinstance(value, str):
            raise self.make_error("invalid")
        return value


class Code(Text):
    """One of the codes of a vocabulary."""

    def __init__(self, codes: Iterable[str], *, required: bool = True, null: bool = False) -> None:
        self.codes = tuple(codes)
        super().__init__(required=required, null=null, check=validate.OneOf(self.codes))


class Pattern(Text):
    """A text that matches a pattern as a whole; the pattern is written without anchors."""

    def __init__(self, pattern: str, *, what: str, required: bool = True, null: bool = False) -> None:
        self.pattern = pattern
        self.what = what
        check = validate.Regexp(rf"(?:{pattern})\Z", error=f"Not {what}.")
        super().__init__(required=required, null=null, check=check)


class Id(Pattern):
    """The id of a case, report, referral, volunteer or notice: a UUID, or a short id such as "v012"."""

    def __init__(self, *, required: bool = True, null: bool = False) -> None:
        super().__init__(rf"{_UUID}|{_SHORT_ID}", what="an id", required=required, null=null)


class Token(Pattern):
    """A blind token: persons and places are compared by it and cannot be read from it."""

    def __init__(self) -> None:
        super().__init__(_TOKEN, what="a blind token")


class District(Pattern):
    """A district down to the county: 2 digits (province), 4 (city) or 6 (county)."""

    def __init__(self, *, required: bool = True) -> None:
        super().__init__(r"[0-9]{2}([0-9]{2}([0-9]{2})?)?", what="a district down to the county", required=required)


class Slug(Pattern):
    """A code that a city may add to in its rules, so that no list can be closed: words and at most one number."""

    def __init__(self, *, required: bool = True, null: bool = False) -> None:
        super().__init__(r"[a-z]{1,30}(_[a-z]{1,30}){0,7}(_?[0-9]{1,4})?", what="a code", required=required, null=null)


class Time(Pattern):
    """A point in time in ISO 8601 with its offset."""

    def __init__(self, *, required: bool = True, null: bool = False) -> None:
        super().__init__(_TIME, what="a time with an offset", required=required, null=null)

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> str:
        text = super()._deserialize(value, attr, data, **kwargs)
        if not is_time(text):
            raise self.make_error("validator_failed")
        return text


class Flag(fields.Boolean):
    """True or false; neither 1 nor "yes"."""

    def __init__(self, *, required: bool = True) -> None:
        super().__init__(required=required)

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> bool:
        if not isinstance(value, bool):
            raise self.make_error("invalid", input="")
        return value


class Count(fields.Integer):
    """A whole number from 0 to a limit."""

    def __init__(self, *, to: int, required: bool = True) -> None:
        self.to = to
        super().__init__(required=required, validate=validate.Range(min=0, max=to))

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> int:
        if type(value) is not int:
            raise self.make_error("invalid")
        return value


class ListOf(fields.List[Any]):
    """A list of values of one kind."""

    def __init__(self, inner: fields.Field[Any], *, required: bool = True) -> None:
        super().__init__(inner, required=required)

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> list[Any]:
        if not isinstance(value, list | tuple):
            raise self.make_error("invalid")
        return super()._deserialize(value, attr, data, **kwargs)


class Part(fields.Nested):
    """An object inside the data."""

    def __init__(self, schema: type[Data], *, required: bool = True) -> None:
        super().__init__(schema, required=required)


def codes(vocabulary: Sequence[str]) -> ListOf:
    """Return the field of a list of codes."""
    return ListOf(Code(vocabulary))


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
