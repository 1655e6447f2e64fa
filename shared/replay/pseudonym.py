"""Invented people: the same person is always the same invented one, and who has only the recording cannot turn back.

What stands for a person follows from her by a keyed hash, so a later recording with the same key names her alike. It is
as long as what it stands for, cannot be anybody's, and no two persons share it: where two would, or where it happens to
hold what somebody is really called, the one that was met later gets the next.
"""

import hmac
import re
from base64 import urlsafe_b64encode
from collections.abc import Collection, Iterator
from datetime import date, timedelta
from itertools import count
from typing import Final

from shared.privacy import normal_id_number, normal_name, normal_phone

#: Begin invented names: nobody's family is called so.
_FIRST: Final = (
    "枫樱鹭鲸雁鹤鸢萤蝉蝶霜霞虹岚溪泉潭屿礁珊瑚菊桐槐榆椿楠榕杉棠芦苇萍莲菱藻苔蕨笋藤橙柚榴枣杏樟鸥鹂鹊鸽"
    "鸳鹦蜻蜓鲤鳟鲈螺蚌砂碧漪萱"
)
_NEXT: Final = (
    "晨暮晓昼夕星雨雪露雾春冬晴暖凉清澄澈静悠远近低圆直弯深浅浓淡轻柔软坚青绿紫橘灰粉墨彩光影声音笛琴鼓弦"
    "歌舞诗画笔纸砚棋豆瓜果草枝芽根种湖海波浪潮汐滩湾岸桥亭塔窗灯船帆桨锚"
)
#: Used where those do not suffice: the common characters of GB 2312, and for names of one character the rare ones.
_COMMON: Final = range(0xB0, 0xD7)
_RARE: Final = range(0xD8, 0xF8)
#: Tries with the short list, and tries before a name may become longer than what it stands for.
_SHORT_LIST: Final = 8
_SAME_LENGTH: Final = 200

#: No country code begins with 0, so after the 00 of a call abroad no 0 can follow: this number cannot be dialled.
_NOBODYS_PHONE: Final = "000"
#: From so many digits on a number can be somebody's.
_PHONE_DIGITS: Final = 7
#: GB/T 2260 has no such province.
_NOWHERE: Final = "99"
_ID_NUMBER: Final = re.compile(r"[0-9]{17}[0-9X]")
_OLD_ID_NUMBER: Final = re.compile(r"[0-9]{15}")
_WEIGHTS: Final = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_CHECK_DIGITS: Final = "10X98765432"

_BLANK: Final = "此处原有文字，录制时已略去。"
_UUID: Final = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-([0-9a-f])[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}")
#: What can be a name within a longer text: shorter ones stand in everything.
_LEAST: Final = 2


def blank(text: str) -> str:
    """Return a neutral text as long as a narrative, an address or other free words, of which nothing is left."""
    return (_BLANK * (len(text) // len(_BLANK) + 1))[: len(text)]


class Pseudonyms:
    """Whom each person becomes.

    Args:
        key: a secret of who records; with it, and only with it, people can be found again.
        never: what real people are called and where they are called; no invented one holds any of it.
    """

    def __init__(self, key: bytes, never: Collection[str] = frozenset()) -> None:
        self._key = key
        self._never = frozenset(text for text in never if len(text) >= _LEAST)
        self._known: dict[tuple[str, str], str] = {}
        self._taken: set[tuple[str, str]] = set()

    def name(self, text: str) -> str:
        """Return the name of an invented person, in characters of the same kinds."""
        return self._only("name", normal_name(text))

    def word(self, text: str) -> str:
        """Return another word, such as the one by which a client is known to be herself."""
        return self._only("word", text)

    def phone(self, text: str) -> str:
        """Return a telephone number that nobody can have, with as many digits."""
        return self._only("phone", normal_phone(text))

    def id_number(self, text: str) -> str:
        """Return an identity number of nowhere, of the same year of birth, with a check digit that fits."""
        return self._only("id", normal_id_number(text))

    def key(self, text: str) -> str:
        """Return another key for something that its sender named."""
        return f"r-{self._hash('key', text)[:12].hex()}"

    def id(self, text: str) -> str:
        """Return another id, made at the same time where the id tells its time; what is no UUID stays."""
        found = _UUID.fullmatch(text)
        if not found:
            return text
        chance = self._hash("uuid", text).hex()
        kept = text[:13] if found[1] == "7" else f"{chance[20:28]}-{chance[28:32]}"
        return f"{kept}-{found[1]}{chance[:3]}-{'89ab'[int(chance[3], 16) & 3]}{chance[4:7]}-{chance[7:19]}"

    def token(self, text: str) -> str:
        """Return another blind token, for one of which nobody knows whose it is."""
        return urlsafe_b64encode(self._hash("token", text)[:16]).rstrip(b"=").decode()

    def _only(self, kind: str, text: str) -> str:
        """Return what stands for a text and for no other."""
        found = self._known.get((kind, text))
        if found is None:
            found = next(
                one for one in self._tries(kind, text) if (kind, one) not in self._taken and self._is_free(one)
            )
            self._known[kind, text] = found
            self._taken.add((kind, found))
        return found

    def _tries(self, kind: str, text: str) -> Iterator[str]:
        for attempt in count():
            dice = _Dice(self._key, f"{kind}\x1f{attempt}\x1f{text}")
            match kind:
                case "phone":
                    yield _phone(dice, len(text) + attempt // _SAME_LENGTH)
                case "id":
                    yield _id_number(dice, text) + dice.digits(attempt // _SAME_LENGTH)
                case _:
                    yield _words(dice, text, attempt)

    def _is_free(self, text: str) -> bool:
        """Tell whether no part of a text is what somebody is really called."""
        if text in self._never:
            return False
        ends = range(len(text) + 1)
        parts = (text[start:end] for start in ends for end in ends[start + _LEAST :])
        # short rows of digits stand in everything
        return not any(part in self._never and not (part.isdigit() and len(part) < _PHONE_DIGITS) for part in parts)

    def _hash(self, kind: str, text: str) -> bytes:
        return hmac.digest(self._key, f"{kind}\x1f{text}".encode(), "sha256")


class _Dice:
    """Chance that follows from a key and a text."""

    def __init__(self, key: bytes, text: str) -> None:
        self._key = key
        self._text = text
        self._block = 0
        self._bytes = b""

    def number(self, below: int) -> int:
        """Return a number from 0 on; below 65,536 hardly any is more likely than another."""
        if len(self._bytes) < 4:
            self._bytes += hmac.digest(self._key, f"{self._block}\x1f{self._text}".encode(), "sha256")
            self._block += 1
        taken, self._bytes = self._bytes[:4], self._bytes[4:]
        return int.from_bytes(taken) % below

    def of(self, pool: str) -> str:
        return pool[self.number(len(pool))]

    def digits(self, amount: int) -> str:
        return "".join(str(self.number(10)) for _ in range(amount))

    def character(self, rows: range) -> str:
        """Return a Chinese character of some rows of GB 2312; the last places of a row may be empty."""
        return bytes((rows[self.number(len(rows))], 0xA1 + self.number(89))).decode("gb2312")


def _words(dice: _Dice, text: str, attempt: int) -> str:
    """Return a text of the same kinds of characters."""
    letters, digits, made = 0, 0, []
    alone = sum(_is_letter(char) for char in text) == 1
    for char in text:
        digits = digits + 1 if char.isdigit() else 0
        if digits:
            # whatever stands here, it is no telephone number
            made.append("0" if digits <= len(_NOBODYS_PHONE) and len(text) >= _PHONE_DIGITS else dice.digits(1))
        elif char.isascii() and char.isalpha():
            made.append(dice.of("BCDFGHKLMNPRSTVZ" if char.isupper() else "aeiou" if letters % 2 else "bdfklmnprstvz"))
        elif _is_letter(char):
            made.append(_character(dice, first=not letters, alone=alone, attempt=attempt))
        else:
            made.append(char)
        letters += _is_letter(char)
    more = attempt // _SAME_LENGTH
    return "".join(made) + "".join(dice.of(_NEXT) for _ in range(more))


def _character(dice: _Dice, *, first: bool, alone: bool, attempt: int) -> str:
    if alone and attempt >= _SHORT_LIST:
        return dice.character(_RARE)
    if first:
        return dice.of(_FIRST)
    return dice.of(_NEXT) if attempt < _SHORT_LIST else dice.character(_COMMON)


def _is_letter(char: str) -> bool:
    return char.isalpha()


def _phone(dice: _Dice, digits: int) -> str:
    begin = _NOBODYS_PHONE if digits >= _PHONE_DIGITS else "0"
    return begin[:digits] + dice.digits(digits - len(begin))


def _id_number(dice: _Dice, text: str) -> str:
    if _ID_NUMBER.fullmatch(text):
        number = f"{_NOWHERE}{dice.digits(4)}{_birthday(dice, text[6:10])}{dice.digits(3)}"
        rest = sum(int(digit) * weight for digit, weight in zip(number, _WEIGHTS, strict=True)) % 11
        return number + _CHECK_DIGITS[rest]
    if _OLD_ID_NUMBER.fullmatch(text):
        return f"{_NOWHERE}{dice.digits(4)}{_birthday(dice, f'19{text[6:8]}')[2:]}{dice.digits(3)}"
    return "".join(_replaced(dice, n, char) for n, char in enumerate(text))


def _birthday(dice: _Dice, year: str) -> str:
    """Return a day of a year; of one that is none, the year as it stands."""
    try:
        day = date(int(year), 1, 1) + timedelta(days=dice.number(365))
    except ValueError:
        return f"{year}0101"
    return day.strftime("%Y%m%d")


def _replaced(dice: _Dice, place: int, char: str) -> str:
    if char.isdigit():
        return _NOWHERE[place] if place < len(_NOWHERE) else dice.digits(1)
    return dice.of("BCDFGHKLMNPRSTVZ") if char.isalpha() else char
