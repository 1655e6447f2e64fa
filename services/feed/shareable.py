"""What an agreement may name at all: the events that feed listens to, and of each the fields that are public.

Blind tokens are none of them: who has the key of the house could compare persons by them.
"""

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any, Final

from services.feed.agreement import Agreement, AgreementError, Grant
from shared.events import CATALOGUE, EventType
from shared.events.fields import Code, ListOf, Part, Token

LISTENER: Final = "feed"
#: Only these are about one agency's own task, so that people may be told of for a purpose.
_WITH_IDENTITY: Final = frozenset({"case_id", "purpose", "basis"})


@cache
def shareable() -> Mapping[str, frozenset[str]]:
    """Return, for each event that an agreement may name, the dotted names of its public fields."""
    return {declared.type: frozenset(_fields(declared)) for declared in CATALOGUE if _is_shareable(declared)}


def check(agreement: Agreement) -> None:
    """Hold an agreement against the catalogue of events.

    Raises:
        AgreementError: it names an event, a field or a value that nobody can have.
    """
    for n, grant in enumerate(agreement.grants):
        _check_grant(grant, f"grants[{n}]")


def field_of(type: str, name: str) -> Any:
    """Return the declaration of a field by its dotted name."""
    schema: Any = CATALOGUE.event_type(type).schema()
    *parents, last = name.split(".")
    for parent in parents:
        schema = schema.fields[parent].schema
    return schema.fields[last]


def _check_grant(grant: Grant, where: str) -> None:
    known = shareable().get(grant.event)
    if known is None:
        raise AgreementError(f"{where}.event", f"no such event: {grant.event!r}; there are {', '.join(shareable())}")
    for place, names in (("fields", grant.fields), ("where", tuple(grant.where))):
        for name in names:
            if name not in known:
                raise AgreementError(
                    f"{where}.{place}", f"{grant.event} has no field {name!r}; there are {', '.join(sorted(known))}"
                )
    for name, values in grant.where.items():
        _check_values(field_of(grant.event, name), values, f"{where}.where.{name}")
    if grant.identity and not known >= _WITH_IDENTITY:
        raise AgreementError(
            f"{where}.identity", f"{grant.event} asks an agency for nothing, so nobody is told of with it"
        )


def _check_values(field: Any, values: tuple[str, ...], where: str) -> None:
    if isinstance(field, Code):
        for value in values:
            if value not in field.codes:
                raise AgreementError(where, f"{value!r} is none of {', '.join(field.codes)}")


def _is_shareable(declared: EventType) -> bool:
    # What feed hears only to act on it concerns no agency as such: a withdrawal becomes a recall.
    return LISTENER in declared.listeners and declared.type not in {"consent.withdrawn", "case.erased"}


def _fields(declared: EventType) -> Iterator[str]:
    yield from _public(declared.schema(), "")


def _public(schema: Any, prefix: str) -> Iterator[str]:
    for name, field in schema.fields.items():
        if isinstance(field, Part):
            yield from _public(field.schema, f"{prefix}{name}.")
        elif not (isinstance(field, Token) or (isinstance(field, ListOf) and isinstance(field.inner, Token | Part))):
            yield f"{prefix}{name}"
