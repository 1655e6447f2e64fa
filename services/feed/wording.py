"""The words of the contract pages, in Chinese and in English."""

import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, Final

import yaml

LANGUAGES: Final = ("zh", "en")
_FOLDER: Final = Path(__file__).parent / "words"
_RANGE: Final = re.compile(r"\s*([A-Za-z]{1,8}|\*)(?:-[A-Za-z0-9-]+)?\s*(?:;\s*q=([01](?:\.[0-9]{0,3})?))?\s*")


class Wording:
    """The words of one language. Codes that a city added have none: they stand for themselves."""

    def __init__(self, language: str, words: Mapping[str, Any]) -> None:
        self.language = language
        self._words = words

    def __call__(self, name: str, **values: object) -> str:
        """Return a text by its dotted name, filled in.

        Raises:
            KeyError: there is no such text.
        """
        text = self._found(name)
        return str(text).format(**values) if values else str(text)

    def of(self, group: str, name: str) -> str:
        """Return what a name means within a group of words; "" where nothing is known of it."""
        return str(self._found(group).get(name, ""))

    def _found(self, name: str) -> Any:
        found: Any = self._words
        for part in name.split("."):
            found = found[part]
        return found


@cache
def wording(language: str) -> Wording:
    """Return the words of a language."""
    words = yaml.safe_load((_FOLDER / f"{language}.yml").read_text(encoding="utf-8"))
    return Wording(language, words)


def preferred(accepted: str) -> str:
    """Return the language that an `Accept-Language` likes best; Chinese where it says nothing of either."""
    best, most = LANGUAGES[0], 0.0
    for one in accepted.split(","):
        if found := _RANGE.fullmatch(one):
            weight = float(found[2] or 1)
            if found[1].lower() in LANGUAGES and weight > most:
                best, most = found[1].lower(), weight
    return best
