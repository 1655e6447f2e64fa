"""Reading a rule file strictly: what is unknown, missing or written twice is an error with its file and line.

A city edits these files. A misspelt key that is silently ignored would be a rule that silently does not hold.
"""

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

import yaml

_CODE: Final = re.compile(r"[a-z]+(_?[a-z0-9]+)*")


class RuleError(ValueError):
    """A rule file says something that cannot be meant; the text names the file, the line and the reason."""

    def __init__(self, where: str, reason: str) -> None:
        super().__init__(f"{where}: {reason}")
        self.where = where
        self.reason = reason


class Table:
    """A mapping of a rule file that knows where it stands and which of its keys nobody has read yet."""

    def __init__(self, values: dict[str, Any], where: str) -> None:
        self._values = values
        self._unread = set(values)
        self.where = where

    def __contains__(self, key: str) -> bool:
        return key in self._values

    def keys(self) -> list[str]:
        """Return the keys in the order of the file."""
        return list(self._values)

    def error(self, reason: str) -> RuleError:
        """Return an error about this mapping."""
        return RuleError(self.where, reason)

    def value(self, key: str) -> Any:
        """Return what stands under a key, whatever it is."""
        if key not in self._values:
            raise self.error(f"{key!r} is missing")
        self._unread.discard(key)
        return self._values[key]

    def text(self, key: str, allowed: Iterable[str] | None = None) -> str:
        """Return a text; one of the allowed ones, if any are given."""
        value = self.value(key)
        if not isinstance(value, str) or not value:
            raise self.error(f"{key!r} must be a text, found {value!r}")
        return self._allowed(key, value, allowed)

    def code(self, key: str) -> str:
        """Return a code that the file itself gives: lower-case words joined by underscores."""
        value = self.text(key)
        if not _CODE.fullmatch(value):
            raise self.error(f"{key!r} must be a code like 'legal_aid', found {value!r}")
        return value

    def texts(self, key: str, allowed: Iterable[str] | None = None) -> tuple[str, ...]:
        """Return one text or a list of texts as a tuple."""
        value = self.value(key)
        values = [value] if isinstance(value, str) else value
        if not isinstance(values, list) or not values or not all(isinstance(item, str) for item in values):
            raise self.error(f"{key!r} must be a text or a list of texts, found {value!r}")
        return tuple(self._allowed(key, item, allowed) for item in values)

    def number(self, key: str, default: int | None = None) -> int:
        """Return a whole number, 0 or more."""
        if default is not None and key not in self._values:
            return default
        value = self.value(key)
        if type(value) is not int or value < 0:
            raise self.error(f"{key!r} must be a whole number, found {value!r}")
        return value

    def flag(self, key: str) -> bool:
        """Return true or false; false where the key is absent."""
        if key not in self._values:
            return False
        value = self.value(key)
        if not isinstance(value, bool):
            raise self.error(f"{key!r} must be true or false, found {value!r}")
        return value

    def table(self, key: str) -> "Table":
        """Return the mapping under a key."""
        value = self.value(key)
        if not isinstance(value, Table):
            raise self.error(f"{key!r} must be a mapping, found {value!r}")
        return value

    def tables(self, key: str) -> list["Table"]:
        """Return the list of mappings under a key."""
        value = self.value(key)
        if not isinstance(value, list) or not all(isinstance(item, Table) for item in value):
            raise self.error(f"{key!r} must be a list of mappings")
        return value

    def end(self) -> None:
        """Say that everything has been read that has a meaning.

        Raises:
            RuleError: there are keys that have none.
        """
        if self._unread:
            raise self.error(f"unknown: {', '.join(sorted(self._unread))}")

    def _allowed(self, key: str, value: str, allowed: Iterable[str] | None) -> str:
        if allowed is not None and value not in (known := tuple(allowed)):
            raise self.error(f"{key!r} must be one of {', '.join(known)}, found {value!r}")
        return value


def read(shipped: Path, folder: Path | None = None) -> Table:
    """Return the mapping that a rule file consists of.

    A file of the same name in `folder` (the city's own rules) takes the place of the shipped one.

    Raises:
        RuleError: the file is not YAML, or not a mapping.
    """
    own = folder / shipped.name if folder else shipped
    file = own if own.exists() else shipped
    loader = _Loader(file.read_text(encoding="utf-8"))
    loader.name = file.name
    try:
        content = loader.get_single_data()
    except yaml.YAMLError as error:
        raise RuleError(file.name, f"not YAML: {' '.join(str(error).split())}") from error
    finally:
        loader.dispose()
    if not isinstance(content, Table):
        raise RuleError(file.name, "must be a mapping")
    return content


class _Loader(yaml.SafeLoader):
    """Makes a Table of each mapping."""


def _table(loader: yaml.SafeLoader, node: yaml.MappingNode) -> Table:
    where = f"{loader.name} line {node.start_mark.line + 1}"
    values: dict[str, Any] = {}
    for key_node, value_node in node.value:
        key = loader.construct_object(key_node, deep=True)
        if not isinstance(key, str):
            raise RuleError(where, f"a key must be a text, found {key!r}")
        if key in values:
            raise RuleError(where, f"{key!r} stands twice")
        values[key] = loader.construct_object(value_node, deep=True)
    return Table(values, where)


_Loader.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, _table)
