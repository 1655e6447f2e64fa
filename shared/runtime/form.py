"""Forms: JSON objects that people and programs send in, and what is wrong with them, named by field."""

from collections.abc import Iterable, Mapping
from itertools import islice
from typing import Any, ClassVar

from marshmallow import RAISE, Schema, ValidationError

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
