"""Invented people: always the same ones, nobody's, and as long as who they stand for."""

import re
from datetime import date, datetime

import pytest

from shared.kernel import identifier
from shared.replay.pseudonym import Pseudonyms, blank
from tests.acceptance.people import NOON

KEY = b"k" * 32
WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)


def test_the_same_person_is_the_same_invented_one_also_later() -> None:
    first, later = Pseudonyms(KEY), Pseudonyms(KEY)
    first.name("李某")

    assert first.name("王某") == first.name(" 王某 ") == later.name("王某")
    assert first.phone("+86 138-0000-1022") == later.phone("13800001022")
    assert first.id_number("33030219870506037x") == later.id_number("33030219870506037X")
    assert first.id("019cabd8-3f40-7a51-9c0e-5b1d2f3a4c6e") == later.id("019cabd8-3f40-7a51-9c0e-5b1d2f3a4c6e")


def test_with_another_key_it_is_another_one() -> None:
    one, other = Pseudonyms(KEY), Pseudonyms(b"other" * 7)

    assert one.name("欧阳某某") != other.name("欧阳某某")
    assert one.phone("13800001022") != other.phone("13800001022")
    assert one.key("12338-1") != other.key("12338-1")
    assert one.token("kP3vXq9ZbL0mT7sYw2RdHA") != other.token("kP3vXq9ZbL0mT7sYw2RdHA")


@pytest.mark.parametrize("name", ["王", "王某", "陈某珠", "欧阳某某", "Anna Li", "古丽·阿依", "王13800001022", "丽-2"])
def test_a_name_is_as_long_and_of_the_same_kinds_of_characters(name: str) -> None:
    invented = Pseudonyms(KEY, {name}).name(name)

    kinds = [(char.isascii(), char.isalpha(), char.isdigit(), char.isupper()) for char in name]
    assert [(char.isascii(), char.isalpha(), char.isdigit(), char.isupper()) for char in invented] == kinds
    assert invented != name
    assert [char for char in invented if not char.isalnum()] == [char for char in name if not char.isalnum()]


def test_no_two_people_become_the_same_one() -> None:
    people = Pseudonyms(KEY)
    names = [chr(0x4E00 + n % 150) + chr(0x5E00 + n // 150) for n in range(15_000)]

    assert len({people.name(name) for name in names}) == len(names)
    assert len({people.phone(f"{n:03d}") for n in range(150)}) == 150
    assert {len(people.name(name)) for name in names} == {2}


def test_nobody_who_is_met_is_found_in_an_invented_name() -> None:
    invented = Pseudonyms(KEY).name("陈某珠")

    again = Pseudonyms(KEY, {invented, "陈某珠"}).name("陈某珠")
    part = Pseudonyms(KEY, {invented[1:], "陈某珠"}).name("陈某珠")
    assert invented != again
    assert invented[1:] not in part


@pytest.mark.parametrize("number", ["13800001022", "0577-88888888", "0086 138 0000 1022", "110", "12338", "1"])
def test_a_phone_has_as_many_digits_and_is_nobodys(number: str) -> None:
    invented = Pseudonyms(KEY).phone(number)

    digits = re.sub(r"[^0-9]", "", number).removeprefix("0086")
    assert len(invented) == len(digits)
    assert invented.isdigit()
    # 00 calls abroad, and no country begins with 0
    assert invented.startswith("000" if len(digits) >= 7 else "0")


def test_an_identity_number_is_of_nowhere_of_the_same_year_and_right_in_itself() -> None:
    invented = Pseudonyms(KEY).id_number("330302198705060370")

    assert invented[:2] == "99"
    assert invented[6:10] == "1987"
    date(int(invented[6:10]), int(invented[10:12]), int(invented[12:14]))
    total = sum(int(digit) * weight for digit, weight in zip(invented[:17], WEIGHTS, strict=True))
    assert "10X98765432"[total % 11] == invented[17]


@pytest.mark.parametrize("number", ["330302870506037", "330302CANARY7319X", "H-1234567(8)", "330302999999999999"])
def test_other_identity_numbers_are_as_long(number: str) -> None:
    invented = Pseudonyms(KEY).id_number(number)

    assert len(invented) == len(number)
    assert invented != number
    assert re.fullmatch(r"[0-9A-Za-z()-]{4,32}", invented)


def test_an_id_tells_the_time_that_it_told() -> None:
    people = Pseudonyms(KEY)
    old = identifier(datetime.fromisoformat(NOON), "cause")

    assert people.id(old)[:13] == old[:13]
    assert people.id(old) != old
    assert re.fullmatch(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}", people.id(old))
    assert people.id("v012") == "v012"
    chance = "3f0e2a55-8a0e-4c3a-9f11-2b7d6c5e4f30"
    assert re.fullmatch(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}", people.id(chance))
    assert people.id(chance)[:8] != chance[:8]


def test_of_free_words_only_the_length_is_left() -> None:
    for text in ("", "某小区5幢602室", "来电人称昨晚又被打伤。" * 40):
        assert len(blank(text)) == len(text)
        assert text == "" or not set(blank(text)) & set("某小区幢室来电人称昨晚又被打伤")
