"""Forms: JSON objects that people and programs send in, and what is wrong with them, named by field.

What is in form, as nearly all is, is read by the fields alone. marshmallow, which takes five times as long, goes
through the rest and says what is wrong.
"""

from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from functools import cached_property
from itertools import islice
from typing import Any, ClassVar, cast

from marshmallow import RAISE, Schema, ValidationError, fields

from shared.runtime.problem import Fault, Invalid

#: Faults that an answer names; who sends more than these has not sent this form at all.
MAX_FAULTS = 100


class Form(Schema):
    """A JSON object that comes in; a field that is not declared is an error."""

    class Meta:
        unknown = RAISE

    #: An invented one, for the reference.
    example: ClassVar[Mapping[str, Any]] = {}

    error_messages = {  # noqa: RUF012  marshmallow's own way to say it
        "unknown": "is not a field of this form",
        "type": "must be an object",
    }

    @cached_property
    def read(self) -> Callable[[Any], dict[str, Any]]:
        """Returns what an object in form says, without what is null; raises ValidationError where it is not in form."""
        parts = [(name, one.data_key or name, one.required, _reader(one)) for name, one in self.load_fields.items()]

        def read(data: Any) -> dict[str, Any]:
            if not isinstance(data, dict):
                raise ValidationError(_NOT_IN_FORM)
            said, seen = {}, 0
            for name, key, required, part in parts:
                value = data.get(key)
                if value is not None:
                    said[name] = part(value)
                elif required:
                    raise ValidationError(_NOT_IN_FORM)
                seen += key in data
            if seen != len(data):
                raise ValidationError(_NOT_IN_FORM)
            return said

        return read


#: Returns what a value says that is not null, or raises ValidationError.
Reader = Callable[[Any], Any]
_NOT_IN_FORM = "not in form"


def _reader(field: fields.Field[Any]) -> Reader:
    """Return what reads a field as marshmallow does, without what it does for the words of an error."""
    match field:
        case fields.Nested():
            read = cast(Form, field.schema).read
        case fields.List():
            read = _list_reader(field)
        case _:
            take = field._deserialize

            def read(value: Any) -> Any:
                return take(value, None, None)

    return _checked(read, field.validators) if field.validators else read


def _list_reader(field: fields.List[Any]) -> Reader:
    one = _reader(field.inner)

    def read(value: Any) -> Any:
        if not isinstance(value, list) or None in value:
            raise ValidationError(_NOT_IN_FORM)
        return [one(item) for item in value]

    return read


def _checked(read: Reader, checks: Iterable[Callable[[Any], Any]]) -> Reader:
    def checked(value: Any) -> Any:
        said = read(value)
        for check in checks:
            check(said)
        return said

    return checked


def load(form: Form, data: object) -> dict[str, Any]:
    """Return what `data` says, as the form understands it; fields that are null are left out.

    Raises:
        Invalid: names every field that is wrong.
    """
    with suppress(ValidationError):
        return form.read(data)
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
