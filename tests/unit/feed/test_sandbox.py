"""A sandbox tells of people whom nobody is."""

import json
import re

from services.feed.sandbox import invented
from shared.events.vocabulary import IDENTITY_FIELDS

WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)


def dotted(content: object, prefix: str = "") -> set[str]:
    """Return the dotted names of what an answer holds, as an agreement names them."""
    assert isinstance(content, dict)
    found = set()
    for name, value in content.items():
        inner = isinstance(value, dict) and name in {"client", "accused"}
        found |= dotted(value, f"{name}.") if inner else {prefix + name}
    return found


def test_every_field_that_an_agreement_can_name_is_answered_and_no_other() -> None:
    assert dotted(invented("a case", IDENTITY_FIELDS)) == set(IDENTITY_FIELDS)
    for name in IDENTITY_FIELDS:
        assert dotted(invented("a case", [name])) == {name}
    assert invented("a case", []) == {}


def test_a_case_has_the_same_people_each_time_and_other_cases_have_others() -> None:
    people = {json.dumps(invented(f"case {n}", IDENTITY_FIELDS), ensure_ascii=False) for n in range(200)}

    assert len(people) == 200
    assert invented("case 1", IDENTITY_FIELDS) == invented("case 1", IDENTITY_FIELDS)


def test_nobody_can_have_such_a_telephone_or_identity_number() -> None:
    for n in range(500):
        people = invented(f"case {n}", IDENTITY_FIELDS)
        for person in (people["client"], people["accused"]):
            assert re.fullmatch(r"1380000[0-9]{4}", person["phone"])
            number = person["id_number"]
            assert re.fullmatch(r"330302[0-9]{11}[0-9X]", number)
            right = "10X98765432"[sum(w * int(d) for w, d in zip(WEIGHTS, number[:17], strict=True)) % 11]
            assert number[17] != right
            assert "虚构" in person["name"]
