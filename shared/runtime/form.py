"""Fields of what people and programs send in: strict, and every error names the field and says what to do.

Nothing is converted in silence: a text is no boolean, a day that does not exist is no day, and what a terminal or a
letter could not show is no text.
"""

import re
import unicodedata
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, timedelta
from itertools import islice
from typing import Any

from marshmallow import RAISE, Schema, ValidationError, fields, validate

from shared.runtime.problem import Fault, Invalid

#: How far a sender's clock may be ahead of ours.
SKEW = timedelta(minutes=5)
#: Before this there is no record to keep.
EARLIEST = datetime(1990, 1, 1, tzinfo=UTC)
EARLIEST_DAY = date(1900, 1, 1)
#: Faults that an answer names; who sends more than these has not sent this form at all.
MAX_FAULTS = 100

_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]")
_CONTROL_OR_BREAK = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_DAY = re.compile(r"\d{4}-\d\d-\d\d")


class Form(Schema):
    """A JSON object that comes in; a field that is not declared is an error."""

    class Meta:
        unknown = RAISE

    error_messages = {  # noqa: RUF012  marshmallow's own way to say it
        "unknown": "is not a field of this form",
        "type": "must be an object",
    }


class Text(fields.Field[str]):
    """A text of 1 to `longest` characters, without control characters; in several lines only where `lines` says so."""

    def __init__(self, longest: int, *, lines: bool = False, pattern: str = "", what: str = "", **options: Any) -> None:
        super().__init__(**_options(options))
        self._longest = longest
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


class Code(fields.Field[str]):
    """One of the codes that the domain knows."""

    def __init__(self, codes: Iterable[str], **options: Any) -> None:
        super().__init__(**_options(options))
        self._codes = frozenset(codes)
        self._listed = ", ".join(codes)

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> str:
        if not isinstance(value, str) or value not in self._codes:
            raise ValidationError(f"must be one of: {self._listed}")
        return value


class Flag(fields.Field[bool]):
    """True or false, and nothing that merely looks like it."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**_options(options))

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> bool:
        if not isinstance(value, bool):
            raise ValidationError("must be true or false")
        return value


class Count(fields.Field[int]):
    """A whole number within limits, both included."""

    def __init__(self, least: int, most: int, **options: Any) -> None:
        super().__init__(**_options(options))
        self._least, self._most = least, most

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> int:
        if not isinstance(value, int) or isinstance(value, bool) or not self._least <= value <= self._most:
            raise ValidationError(f"must be a whole number from {self._least} to {self._most}")
        return value


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


class Items(fields.List[Any]):
    """A list of at most `most` items."""

    def __init__(self, item: fields.Field[Any], most: int, **options: Any) -> None:
        options.setdefault("validate", validate.Length(max=most, error=f"must have at most {most} items"))
        super().__init__(item, **_options(options))

    default_error_messages = {"invalid": "must be a list"}  # noqa: RUF012


class Part(fields.Nested):
    """An object within the form."""

    def __init__(self, form: type[Schema], **options: Any) -> None:
        super().__init__(form, **_options(options))


def _options(options: dict[str, Any]) -> dict[str, Any]:
    """Say in our words what is missing; let what is not required also be null."""
    messages = {"required": "is missing", "null": "must not be null", "validator_failed": "cannot be used"}
    return {"allow_none": not options.get("required", False), "error_messages": messages, **options}


def load(form: Form, data: object) -> dict[str, Any]:
    """Return what `data` says, as the form understands it; fields that are null are left out.

    Raises:
        Invalid: names every field that is wrong.
    """
    try:
        loaded: dict[str, Any] = form.load(data)  # type: ignore[arg-type]
    except ValidationError as error:
        raise Invalid(list(islice(_faults(error.messages), MAX_FAULTS))) from None
    return {name: _without_nulls(part) for name, part in loaded.items() if part is not None}


def _without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _without_nulls(part) for name, part in value.items() if part is not None}
    if isinstance(value, list):
        return [_without_nulls(part) for part in value]
    return value


def _faults(messages: Any, path: str = "") -> Iterable[Fault]:
    """Flatten marshmallow's nested messages into faults with a dotted path."""
    if isinstance(messages, dict):
        for name, inner in messages.items():
            part = "" if name == "_schema" else str(name)
            yield from _faults(inner, ".".join(filter(None, (path, part))))
    else:
        yield from (Fault(path or "body", str(text).rstrip(".")) for text in messages)
