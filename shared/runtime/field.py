"""Fields of forms: strict, and every error says what to do.

Nothing is converted in silence: a text is no boolean, a day that does not exist is no day, and what a terminal or a
letter could not show is no text.
"""

import re
import unicodedata
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any, Protocol, runtime_checkable

from marshmallow import ValidationError, fields, validate

from shared.runtime.form import Form

#: How far a sender's clock may be ahead of ours.
SKEW = timedelta(minutes=5)
#: Before this there is no record to keep.
EARLIEST = datetime(1990, 1, 1, tzinfo=UTC)
EARLIEST_DAY = date(1900, 1, 1)

_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]")
_CONTROL_OR_BREAK = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")

# As JSON Schema says it: nothing controls a terminal, and something is no space.
_LINE = r"^[^{0}]*[^\s{0}][^{0}]*$".format(r"\u0000-\u001f\u007f-\u009f\u2028\u2029")
_LINES = r"^[^{0}]*[^\s{0}][^{0}]*$".format(r"\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f")
_MOMENT = _DAY.pattern + r"T[0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]+)?)?(Z|[+-][0-9]{2}:[0-9]{2})"


@runtime_checkable
class Described(Protocol):
    """A field of ours, which can say what it takes."""

    metadata: Mapping[str, Any]
    allow_none: bool

    def json_schema(self) -> dict[str, Any]:
        """Return the JSON Schema of what is taken, null left aside."""


def described(field: Any, *, nullable: bool = True) -> dict[str, Any]:
    """Return the JSON Schema of a field as it stands in its form: with what it is about, and null where that is taken.

    In an address nothing is null: there `nullable` is false.

    Raises:
        TypeError: the field is none of ours.
    """
    if not isinstance(field, Described):
        raise TypeError(f"{field!r} does not say what it takes")
    schema = field.json_schema()
    if about := field.metadata.get("about"):
        schema["description"] = about
    if not (nullable and field.allow_none):
        return schema
    if "$ref" in schema:
        return {"anyOf": [schema, {"type": "null"}]}
    if "enum" in schema:
        schema["enum"] = [*schema["enum"], None]
    return {**schema, "type": [schema["type"], "null"]}


class Text(fields.Field[str]):
    """A text of 1 to `longest` characters, without control characters; in several lines only where `lines` says so."""

    def __init__(self, longest: int, *, lines: bool = False, pattern: str = "", what: str = "", **options: Any) -> None:
        super().__init__(**_options(options))
        self._longest = longest
        self._lines = lines
        self._forbidden = _CONTROL if lines else _CONTROL_OR_BREAK
        self._pattern = re.compile(pattern) if pattern else None
        self._what = what

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> str:
        if not isinstance(value, str):
            raise ValidationError("must be a text")
        if not value.strip():
            raise ValidationError("must not be empty; leave it out or send null when it is not known")
        if len(value) > self._longest:
            raise ValidationError(f"must have at most {self._longest} characters")
        if self._forbidden.search(value):
            raise ValidationError("holds a control character or half a character; send plain text")
        if self._pattern and not self._pattern.fullmatch(value):
            raise ValidationError(f"must be {self._what}")
        return unicodedata.normalize("NFC", value)

    def json_schema(self) -> dict[str, Any]:
        pattern = f"^(?:{self._pattern.pattern})$" if self._pattern else _LINES if self._lines else _LINE
        schema = {"type": "string", "minLength": 1, "maxLength": self._longest, "pattern": pattern}
        return {**schema, "description": f"{self._what[0].upper()}{self._what[1:]}."} if self._what else schema


class Code(fields.Field[str]):
    """One of the codes that the domain knows."""

    def __init__(self, codes: Iterable[str], **options: Any) -> None:
        super().__init__(**_options(options))
        self._codes = dict.fromkeys(codes)

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> str:
        if not isinstance(value, str) or value not in self._codes:
            raise ValidationError(f"must be one of: {', '.join(self._codes)}")
        return value

    def json_schema(self) -> dict[str, Any]:
        return {"type": "string", "enum": list(self._codes)}


class Flag(fields.Field[bool]):
    """True or false, and nothing that merely looks like it."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**_options(options))

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> bool:
        if not isinstance(value, bool):
            raise ValidationError("must be true or false")
        return value

    def json_schema(self) -> dict[str, Any]:
        return {"type": "boolean"}


class Count(fields.Field[int]):
    """A whole number within limits, both included."""

    def __init__(self, least: int, most: int, **options: Any) -> None:
        super().__init__(**_options(options))
        self._least, self._most = least, most

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> int:
        if not isinstance(value, int) or isinstance(value, bool) or not self._least <= value <= self._most:
            raise ValidationError(f"must be a whole number from {self._least} to {self._most}")
        return value

    def json_schema(self) -> dict[str, Any]:
        return {"type": "integer", "minimum": self._least, "maximum": self._most}


class Moment(fields.Field[str]):
    """A time with its offset, not in the future; kept in UTC as ISO 8601."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**_options(options))

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> str:
        try:
            moment = datetime.fromisoformat(value) if isinstance(value, str) and "T" in value else None
        except ValueError:
            moment = None
        if moment is None:
            raise ValidationError("must be a time that exists, as in 2026-03-02T09:14:00+08:00")
        if moment.tzinfo is None:
            raise ValidationError("must carry an offset, as in 2026-03-02T09:14:00+08:00")
        try:
            moment = moment.astimezone(UTC)
        except OverflowError:
            raise ValidationError("lies outside the calendar") from None
        if moment < EARLIEST:
            raise ValidationError(f"must not lie before {EARLIEST.year}")
        if moment > datetime.now(UTC) + SKEW:
            raise ValidationError("lies in the future; check the clock of the sender")
        return moment.isoformat()

    def json_schema(self) -> dict[str, Any]:
        return {"type": "string", "format": "date-time", "pattern": f"^{_MOMENT}$"}


class Day(fields.Field[str]):
    """A day of the calendar, as in 1991-05-02; not in the future unless `future` says so."""

    def __init__(self, *, future: bool = False, **options: Any) -> None:
        super().__init__(**_options(options))
        self._future = future

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> str:
        try:
            day = date.fromisoformat(value) if isinstance(value, str) and _DAY.fullmatch(value) else None
        except ValueError:
            day = None
        if day is None:
            raise ValidationError("must be a day that exists, as in 1991-05-02")
        if day < EARLIEST_DAY:
            raise ValidationError(f"must not lie before {EARLIEST_DAY.year}")
        # The day may have begun in China while it has not in UTC.
        if not self._future and day > (datetime.now(UTC) + timedelta(hours=8)).date():
            raise ValidationError("lies in the future")
        return day.isoformat()

    def json_schema(self) -> dict[str, Any]:
        return {"type": "string", "format": "date", "pattern": f"^{_DAY.pattern}$"}


class Items(fields.List[Any]):
    """A list of at most `most` items."""

    def __init__(self, item: fields.Field[Any], most: int, **options: Any) -> None:
        options.setdefault("validate", validate.Length(max=most, error=f"must have at most {most} items"))
        super().__init__(item, **_options(options))
        self._most = most

    default_error_messages = {"invalid": "must be a list"}  # noqa: RUF012

    def json_schema(self) -> dict[str, Any]:
        return {"type": "array", "items": described(self.inner), "maxItems": self._most}


class Part(fields.Nested):
    """An object within the form."""

    def __init__(self, form: type[Form], **options: Any) -> None:
        super().__init__(form, **_options(options))
        self.form = form

    def json_schema(self) -> dict[str, Any]:
        return {"$ref": f"#/components/schemas/{self.form.__name__}"}


class Object(fields.Field[dict[str, Any]]):
    """An object whose form somebody else checks."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**_options(options))

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> Any:
        if not isinstance(value, dict):
            raise ValidationError("must be an object")
        return value

    def json_schema(self) -> dict[str, Any]:
        return {"type": "object"}


def _options(options: dict[str, Any]) -> dict[str, Any]:
    """Say in our words what is missing; let what is not required also be null. `about` is for the reference."""
    messages = {"required": "is missing", "null": "must not be null", "validator_failed": "cannot be used"}
    metadata = {"about": options.pop("about", "")}
    allow_none = not options.get("required", False)
    return {"allow_none": allow_none, "error_messages": messages, "metadata": metadata, **options}
