"""The words that clients read: one catalogue for each language, each with the same entries."""

from pathlib import Path

import yaml


class Wording:
    """The words of one language.

    Raises:
        FileNotFoundError: there is no catalogue for the language.
    """

    def __init__(self, language: str) -> None:
        path = Path(__file__).with_name(f"{language}.yml")
        self._texts: dict[str, str] = yaml.safe_load(path.read_text(encoding="utf-8"))

    def text(self, name: str) -> str:
        """Return the text called `name`."""
        return self._texts[name]
