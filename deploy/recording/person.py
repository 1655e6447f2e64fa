"""What a report and a volunteer's record say, told of invented people; a field that nobody thought of is left out."""

from collections.abc import Callable, Mapping
from datetime import date
from typing import Any, Final

from shared.events.vocabulary import CERTIFICATES, DIALECT_PREFIX
from shared.replay.pseudonym import Pseudonyms, blank

#: What may be said of how the accused stands to her; anything else is free words.
RELATIONS: Final = frozenset(
    {
        "husband", "wife", "ex_husband", "ex_wife", "boyfriend", "girlfriend", "ex_boyfriend", "ex_girlfriend",
        "fiance", "fiancee", "ex_fiance", "ex_fiancee", "cohabitant", "partner", "ex_partner", "father",
        "mother", "stepfather", "stepmother", "father_in_law", "mother_in_law", "parent", "grandfather",
        "grandmother", "grandparent", "son", "daughter", "child", "brother", "sister", "sibling", "uncle",
        "aunt", "relative", "guardian", "teacher", "employer", "supervisor", "colleague", "neighbour",
        "acquaintance", "stranger", "landlord", "other", "unknown",
    }
)  # fmt: skip
#: From so many digits on, an entry without letters in a volunteer's list is a telephone number.
_PHONE_DIGITS: Final = 5

#: Returns what stands in the place of a value.
_Change = Callable[[Any], Any]
#: A change for each field; of a part again so, of a list in a list of one.
_Table = Mapping[str, Any]


def report_table(people: Pseudonyms, born: Callable[[date], date]) -> _Table:
    """Return what becomes of each field of a report.

    Args:
        people: who becomes whom.
        born: moves the birth date of its client.
    """
    return {
        "channel": _kept,
        "received_at": _kept,
        "district": _kept,
        "reporter": {"role": _kept, "name": people.name, "phone": people.phone, "organisation": blank},
        "client": {
            "name": people.name,
            "sex": _kept,
            "birth_date": lambda text: born(date.fromisoformat(text)).isoformat(),
            "phone": people.phone,
            "id_number": people.id_number,
            "address": blank,
        },
        "accused": {
            "name": people.name,
            "relation": lambda text: text if text in RELATIONS else blank(text),
            "phone": people.phone,
            "id_number": people.id_number,
        },
        "children": [{"age": _kept, "sex": _kept}],
        "category": _kept,
        "narrative": blank,
        "immediate_danger": _kept,
        "risk_factors": _kept,
        "consent": {"agencies": _kept, "given_at": _kept},
        "safe_contact": {"channels": _kept, "hours": _kept, "code_word": people.word, "voicemail": _kept},
        "wishes": _kept,
        "report_key": people.key,
    }


def volunteer_table(people: Pseudonyms) -> _Table:
    """Return what becomes of each field of a volunteer's record. Her id stays: among equals it decides who is asked."""

    def skill(text: str) -> str:
        name = text.removeprefix(DIALECT_PREFIX)
        return text if name == text else DIALECT_PREFIX + people.word(name)

    return {
        "id": _kept,
        "name": people.name,
        "sex": _kept,
        "skills": [skill],
        "certificates": [{"name": lambda text: text if text in CERTIFICATES else blank(text), "expires": _kept}],
        "trained_on": _kept,
        "record_checked_on": _kept,
        "districts": _kept,
        "hours": [{"day": _kept, "from": _kept, "to": _kept}],
        "capacity": _kept,
        "must_not_meet": [lambda text: people.phone(text) if _is_phone(text) else people.name(text)],
        "active": _kept,
    }


def changed(table: _Table, record: Mapping[str, Any]) -> dict[str, Any]:
    """Return a record, changed as a table says, its fields in their order; without those that the table has not."""
    return {name: _changed(table[name], value) for name, value in record.items() if name in table}


def strings(table: _Table, record: Mapping[str, Any]) -> list[str]:
    """Return all texts of a record that do not stay as they are."""
    found: list[str] = []

    def look(change: Any, value: Any) -> None:
        if isinstance(value, Mapping) and isinstance(change, Mapping):
            for name, one in value.items():
                look(change.get(name), one)
        elif isinstance(value, list) and isinstance(change, list):
            for one in value:
                look(change[0], one)
        elif isinstance(value, str) and callable(change) and change(value) != value:
            found.append(value)

    look(table, record)
    return found


def _changed(change: Any, value: Any) -> Any:
    if value is None or value == "":
        return value
    if isinstance(change, Mapping):
        return changed(change, value)
    if isinstance(change, list):
        return [_changed(change[0], one) for one in value]
    return change(value)


def _kept(value: Any) -> Any:
    return value


def _is_phone(entry: str) -> bool:
    return not any(char.isalpha() for char in entry) and sum(char.isdigit() for char in entry) >= _PHONE_DIGITS
