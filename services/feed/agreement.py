"""What an agency may get: an agreement grants, event by event and purpose by purpose; everything else is refused.

The files in `agreements/` are those that come with a release; a city writes its own in the same form. A misspelt word
would grant what nobody meant, so whatever is not understood is an error that names its place.
"""

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any, Final

from msgspec import Struct

from shared.events.vocabulary import AGENCIES, BASES, IDENTITY_FIELDS, NARRATIVE, STATISTICS, WITHOUT_CONSENT

FORMS: Final = ("empty", "id", "fields")
KINDS: Final = (*AGENCIES, STATISTICS)
#: What a grant may say besides `event` and `purpose`.
_GRANT_KEYS: Final = frozenset({"event", "purpose", "basis", "form", "fields", "identity", "where", "of"})
_AGREEMENT_KEYS: Final = frozenset({"agency", "version", "title", "valid", "grants"})


class AgreementError(ValueError):
    """An agreement says something that cannot be meant; `where` is the place in it."""

    def __init__(self, where: str, reason: str) -> None:
        super().__init__(f"{where}: {reason}")
        self.where = where
        self.reason = reason


class Grant(Struct, frozen=True, kw_only=True):
    """What goes out of one event for one purpose."""

    event: str
    purpose: str
    bases: tuple[str, ...]
    form: str
    #: Dotted names of public fields.
    fields: tuple[str, ...] = ()
    #: Fields of people that may be fetched.
    identity: tuple[str, ...] = ()
    #: Public fields that must have one of these values.
    where: Mapping[str, tuple[str, ...]]
    #: Events addressed to others, too: only for counting.
    of_all: bool = False

    def fits(self, kind: str, data: Mapping[str, Any]) -> bool:
        """Tell whether it grants an event with this data to an agency of this kind."""
        own = (
            data.get("agency", kind) == kind
            and data.get("purpose", self.purpose) == self.purpose
            and data.get("basis", self.bases[0]) in self.bases
        )
        return (own or self.of_all) and all(_at(data, name) in values for name, values in self.where.items())


class Agreement(Struct, frozen=True, kw_only=True):
    """All grants for one kind of agency."""

    agency: str
    version: int
    title: Mapping[str, str]
    #: China's dates, both included.
    valid_from: date
    valid_until: date
    grants: tuple[Grant, ...]

    def grant(self, type: str, data: Mapping[str, Any], day: date) -> Grant | None:
        """Return what is granted of an event on a day in China; None where nothing is."""
        if not self.valid_from <= day <= self.valid_until:
            return None
        return next((g for g in self.grants if g.event == type and g.fits(self.agency, data)), None)


def picked(data: Mapping[str, Any], fields: Iterable[str]) -> dict[str, Any]:
    """Return of some data the fields with these dotted names, as far as they are there, nested as they were."""
    found: dict[str, Any] = {}
    for name in fields:
        *parents, last = name.split(".")
        source, target = data, found
        for parent in parents:
            source = source.get(parent) or {}
            target = target.setdefault(parent, {})
        if last in source:
            target[last] = source[last]
    return found


def read(content: Mapping[str, Any]) -> Agreement:
    """Return the agreement that a YAML file or a JSON body holds.

    Raises:
        AgreementError: something in it is not understood, or must not be.
    """
    top = _mapping(content, "agreement", _AGREEMENT_KEYS)
    valid = _mapping(top.get("valid"), "valid", {"from", "until"})
    agreement = Agreement(
        agency=_one_of(top.get("agency"), "agency", KINDS),
        version=_version(top.get("version")),
        title={language: _text(text, f"title.{language}") for language, text in _titles(top.get("title")).items()},
        valid_from=_day(valid.get("from"), "valid.from"),
        valid_until=_day(valid.get("until"), "valid.until"),
        grants=tuple(_grants(top.get("grants"))),
    )
    if agreement.valid_until < agreement.valid_from:
        raise AgreementError("valid.until", "lies before valid.from")
    _check_twice(agreement)
    return agreement


def narrowed(identity: Iterable[str], grant: Grant) -> tuple[str, ...]:
    """Return which identity fields of an earlier delivery a grant of today still allows."""
    return tuple(name for name in identity if name in grant.identity)


def _grants(content: Any) -> Iterable[Grant]:
    if not isinstance(content, list) or not content:
        raise AgreementError("grants", "must be a list with at least one grant")
    for n, item in enumerate(content):
        where = f"grants[{n}]"
        found = _mapping(item, where, _GRANT_KEYS)
        grant = Grant(
            event=_text(found.get("event"), f"{where}.event"),
            purpose=_text(found.get("purpose"), f"{where}.purpose"),
            bases=_listed(found.get("basis"), f"{where}.basis", BASES),
            form=_one_of(found.get("form"), f"{where}.form", FORMS),
            fields=_listed(found.get("fields", []), f"{where}.fields"),
            identity=_listed(found.get("identity", []), f"{where}.identity", IDENTITY_FIELDS),
            where=_conditions(found.get("where", {}), f"{where}.where"),
            of_all=_one_of(found.get("of", "own"), f"{where}.of", ("own", "all")) == "all",
        )
        _check_grant(grant, where)
        yield grant


def _check_grant(grant: Grant, where: str) -> None:
    if not grant.bases:
        raise AgreementError(f"{where}.basis", f"is missing; say why it may be told: {', '.join(BASES)}")
    if grant.form == "fields" and not grant.fields:
        raise AgreementError(f"{where}.fields", "is missing; with the form 'fields' name at least one")
    if grant.form != "fields" and (grant.fields or grant.identity):
        raise AgreementError(f"{where}.form", f"is {grant.form!r}, which carries neither fields nor identity")
    if grant.of_all and grant.form != "empty":
        raise AgreementError(f"{where}.of", "is 'all', which is for counting only: the form must be 'empty'")
    if NARRATIVE in grant.identity and not WITHOUT_CONSENT.issuperset(grant.bases):
        raise AgreementError(f"{where}.identity", "narrative leaves only on the basis of duty or life")


def _check_twice(agreement: Agreement) -> None:
    seen: set[tuple[str, str]] = set()
    for n, grant in enumerate(agreement.grants):
        if (grant.event, grant.purpose) in seen:
            raise AgreementError(f"grants[{n}]", f"{grant.event} for {grant.purpose} stands twice")
        seen.add((grant.event, grant.purpose))


def _mapping(content: Any, where: str, known: Iterable[str]) -> Mapping[str, Any]:
    if not isinstance(content, Mapping):
        raise AgreementError(where, "must be a mapping" if content is not None else "is missing")
    known = frozenset(known)
    unknown = [str(key) for key in content if key not in known]
    if unknown:
        raise AgreementError(where, f"unknown: {', '.join(sorted(unknown))}; known: {', '.join(sorted(known))}")
    return content


def _titles(content: Any) -> Mapping[str, Any]:
    titles = _mapping(content, "title", {"zh", "en"})
    if set(titles) != {"zh", "en"}:
        raise AgreementError("title", "must be given in zh and in en")
    return titles


def _text(content: Any, where: str) -> str:
    if not isinstance(content, str) or not content.strip():
        raise AgreementError(where, "must be a text" if content is not None else "is missing")
    return content


def _one_of(content: Any, where: str, allowed: Iterable[str]) -> str:
    text = _text(content, where)
    if text not in (known := tuple(allowed)):
        raise AgreementError(where, f"must be one of {', '.join(known)}; found {text!r}")
    return text


def _listed(content: Any, where: str, allowed: Iterable[str] | None = None) -> tuple[str, ...]:
    items = [content] if isinstance(content, str) else content
    if content is None or not isinstance(items, list | tuple):
        raise AgreementError(where, "must be a text or a list of texts" if content is not None else "is missing")
    for n, item in enumerate(items):
        place = f"{where}[{n}]" if items is content else where
        _text(item, place) if allowed is None else _one_of(item, place, allowed)
    if len(set(items)) != len(items):
        raise AgreementError(where, "says something twice")
    return tuple(items)


def _conditions(content: Any, where: str) -> Mapping[str, tuple[str, ...]]:
    if not isinstance(content, Mapping):
        raise AgreementError(where, "must be a mapping from fields to the values that they must have")
    return {_text(name, where): _listed(values, f"{where}.{name}") for name, values in content.items()}


def _version(content: Any) -> int:
    if type(content) is not int or content < 1:
        raise AgreementError("version", "must be a whole number from 1")
    return content


def _day(content: Any, where: str) -> date:
    try:
        return date.fromisoformat(str(content))
    except ValueError:
        raise AgreementError(where, "must be a date that exists, as in 2026-01-01") from None


def _at(data: Mapping[str, Any], name: str) -> Any:
    value: Any = data
    for part in name.split("."):
        value = value.get(part) if isinstance(value, Mapping) else None
    return value
