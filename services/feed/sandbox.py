"""Invented people, for an agency that develops: a sandbox never asks who somebody is."""

from collections.abc import Sequence
from hashlib import sha256
from typing import Any, Final

from services.feed.agreement import picked

_FAMILY_NAMES: Final = "王李张刘陈杨黄赵吴周徐孙马朱胡郭何林罗高"
_RELATIONS: Final = ("husband", "former_husband", "partner", "father")
_HOURS: Final = ("09:00-16:00", "12:00-14:00", "18:30-20:00")
#: Telephone numbers of a range that is nobody's.
_PHONES: Final = "1380000"
#: A check digit that is never right, so that no id number is anybody's.
_COUNTY, _CHECK_DIGITS = "330302", "10X98765432"
_WEIGHTS: Final = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)


def invented(case_id: str, names: Sequence[str]) -> dict[str, Any]:
    """Return, nested, those fields of the people in a case that are named; for the same case always the same people."""
    return picked(_people(case_id), names)


def _people(case_id: str) -> dict[str, Any]:
    digits = sha256(f"sandbox {case_id}".encode()).digest()
    year, month, day = 1970 + digits[0] % 48, 1 + digits[1] % 12, 1 + digits[2] % 28
    client, accused = (_FAMILY_NAMES[digit % len(_FAMILY_NAMES)] for digit in digits[3:5])
    return {
        "client": {
            "name": f"{client}某（虚构）",
            "sex": "female",
            "birth_date": f"{year}-{month:02}-{day:02}",
            "phone": _phone(digits[5:7]),
            "id_number": _id_number(f"{year}{month:02}{day:02}", digits[7]),
            "address": f"虚构街道{1 + digits[8] % 99}弄{1 + digits[9] % 30}号",
        },
        "accused": {
            "name": f"{accused}某（虚构）",
            "relation": _RELATIONS[digits[10] % len(_RELATIONS)],
            "phone": _phone(digits[11:13]),
            "id_number": _id_number(f"{year - 2}{month:02}{day:02}", digits[13]),
        },
        "children": [
            {"age": 1 + digit % 16, "sex": ("female", "male")[digit % 2]} for digit in digits[14 : 14 + digits[17] % 3]
        ],
        "safe_contact": {
            "channels": ["wechat"],
            "hours": _HOURS[digits[18] % len(_HOURS)],
            "voicemail": False,
            "received_at": "2026-03-02T01:14:00Z",
        },
        "narrative": "虚构的经过：仅供开发和测试使用。",
    }


def _phone(chance: bytes) -> str:
    return f"{_PHONES}{int.from_bytes(chance) % 10_000:04}"


def _id_number(birth: str, chance: int) -> str:
    body = f"{_COUNTY}{birth}{chance:03}"
    right = sum(weight * int(digit) for weight, digit in zip(_WEIGHTS, body, strict=True)) % len(_CHECK_DIGITS)
    return body + _CHECK_DIGITS[(right + 1) % len(_CHECK_DIGITS)]
