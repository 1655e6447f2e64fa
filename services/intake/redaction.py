"""What is blanked out of a narrative before it leaves: whoever reported, where it was not the client herself."""

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, Literal

from shared.privacy.blind import normal_phone

#: What stands in place of a name, a number, an organisation.
REPORTER: Final = "〔报告人〕"

#: Fewer digits are no number of a person: 110, 120.
_LEAST_DIGITS: Final = 5
#: From the ASCII characters to their full-width forms.
_FULL_WIDTH: Final = 0xFEE0
#: A name is looked for as it was written, and as it is written plainly.
_FORMS: Final[tuple[Literal["NFC", "NFKC"], ...]] = ("NFC", "NFKC")
#: What may stand between the parts of a name, and between the digits of a number; with an end, or a long row of blanks
#: would be looked through once for each of them.
_IN_NAME: Final = r"[\s·•・‧]{0,4}"
_IN_NUMBER: Final = r"[\s().（）．\-－‐–—]{0,4}"
_DIGIT: Final = "[0-9０-９]"
_COUNTRY: Final = rf"(?:(?:00|[+＋])?{_IN_NUMBER}86{_IN_NUMBER})?"
#: Digits of an area code.
_AREA_CODES: Final = (3, 4)
_LEAST_LANDLINE: Final = 10


def without_reporters(text: str, reports: Iterable[Mapping[str, Any]], *, organisations: bool = True) -> str:
    """Return a text in which nobody who made one of the reports is named, but for the client herself.

    Args:
        text: free words.
        reports: all of the case.
        organisations: whether those are blanked, too; in an address they are only a place.
    """
    patterns = sorted(set(_patterns(reports, organisations=organisations)), key=len, reverse=True)
    return re.sub("|".join(patterns), REPORTER, text, flags=re.IGNORECASE) if patterns else text


def numbers_of_reporters(reports: Iterable[Mapping[str, Any]]) -> frozenset[str]:
    """Return the normal forms of the telephone numbers of those who reported and are not the client."""
    numbers = (normal_phone(reporter.get("phone") or "") for reporter in _others(reports))
    return frozenset(filter(None, numbers))


def _others(reports: Iterable[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    for report in reports:
        reporter = report.get("reporter") or {}
        if reporter.get("role") != "self":
            yield reporter


def _patterns(reports: Iterable[Mapping[str, Any]], *, organisations: bool) -> Iterator[str]:
    for reporter in _others(reports):
        for field in ("name", "organisation") if organisations else ("name",):
            for form in _FORMS:
                if words := _words(unicodedata.normalize(form, reporter.get(field) or "")):
                    yield _IN_NAME.join(map(_either_width, words))
        yield from map(_number, _spoken(normal_phone(reporter.get("phone") or "")))


def _words(text: str) -> Sequence[str]:
    """Return the characters of a name that count."""
    return [char for char in text if not char.isspace() and char not in "·•・‧"]


def _either_width(char: str) -> str:
    if "!" <= char <= "~":
        return f"[{re.escape(char)}{chr(ord(char) + _FULL_WIDTH)}]"
    return re.escape(char)


def _spoken(number: str) -> Iterator[str]:
    """Yield the ways in which a number is told: whole, and a landline without its area code."""
    if len(number) >= _LEAST_DIGITS:
        yield number
    if number.startswith("0") and len(number) >= _LEAST_LANDLINE:
        yield from (number[digits:] for digits in _AREA_CODES)


def _number(digits: str) -> str:
    return f"(?<!{_DIGIT}){_COUNTRY}{_IN_NUMBER.join(map(_either_width, digits))}(?!{_DIGIT})"
