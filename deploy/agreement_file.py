"""An agreement with an agency as a file of YAML: read strictly, with the line on which everything stands."""

import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from deploy.problem import Problem

#: The agreements that ship, one for each kind of agency.
SHIPPED = Path(__file__).parents[1] / "services" / "feed" / "agreements"

_KIND = re.compile(r"[a-z][a-z_]*")
_LARGEST_BYTES = 1_000_000
#: JSON has no type for a day or a moment: these stay the text that they are in the file.
_TEXTS = ("tag:yaml.org,2002:timestamp",)
_NESTED = ("tag:yaml.org,2002:map", "tag:yaml.org,2002:seq")


@dataclass(frozen=True, slots=True, kw_only=True)
class AgreementFile:
    """What an agreement says, as JSON has it."""

    #: As a person would call the file.
    name: str
    content: Mapping[str, Any]
    #: By the dotted path of a value (`grants.0.fields`) the line on which it begins.
    lines: Mapping[str, int]

    def place(self, path: str) -> str:
        """Return where a path (`grants[0].fields`) stands: its line, or that of the nearest thing around it."""
        parts = re.findall(r"[^.\[\]]+", path)
        for count in range(len(parts), -1, -1):
            if line := self.lines.get(".".join(parts[:count])):
                return f"line {line}"
        return "line 1"


def kinds() -> list[str]:
    """Return the kinds of agencies for which an agreement ships."""
    return sorted(file.stem for file in SHIPPED.glob("*.yml"))


def read(given: str) -> AgreementFile:
    """Return the agreement that a person named: a file, `-` for the standard input, or a kind that ships.

    Raises:
        Problem: there is none, or it is not YAML that could be one; names file and line.
    """
    name, text = _text(given)
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        lines: dict[str, int] = {}
        content = _Reading(name, lines).value(node, "") if node else None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f"{name} line {mark.line + 1}" if mark else name
        why = getattr(error, "problem", None) or "it holds a character that no text has"
        raise _unusable(where, f"not YAML ({why})") from None
    if not isinstance(content, dict):
        raise _unusable(name, "must be a mapping, as the agreements that ship are")
    return AgreementFile(name=name, content=content, lines=lines)


class _Reading:
    """Makes JSON of a tree of YAML nodes."""

    def __init__(self, name: str, lines: dict[str, int]) -> None:
        self._name = name
        self._lines = lines
        self._scalars = yaml.SafeLoader("")
        #: The nodes around the one that is read.
        self._around: list[yaml.Node] = []

    def value(self, node: yaml.Node, path: str) -> Any:
        """Return what a node says, and remember where it and all within it stand."""
        # a key is where a person looks for its value
        self._lines.setdefault(path, node.start_mark.line + 1)
        if any(node is one for one in self._around):
            raise self._error(node, "holds itself")
        if not isinstance(node, yaml.ScalarNode) and node.tag not in _NESTED:
            raise self._error(node, f"{node.tag} has no meaning here")
        self._around.append(node)
        try:
            if isinstance(node, yaml.MappingNode):
                return self._mapping(node, path)
            if isinstance(node, yaml.SequenceNode):
                return [self.value(part, _joined(path, str(n))) for n, part in enumerate(node.value)]
            if node.tag in _TEXTS:
                return node.value
            return self._scalars.construct_object(node)
        finally:
            self._around.pop()

    def _mapping(self, node: yaml.MappingNode, path: str) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key_node, value_node in node.value:
            key = self._scalars.construct_object(key_node) if isinstance(key_node, yaml.ScalarNode) else None
            if not isinstance(key, str):
                raise self._error(key_node, "a key must be a text; write it in quotation marks")
            if key in found:
                raise self._error(key_node, f"{key!r} stands twice")
            self._lines[_joined(path, key)] = key_node.start_mark.line + 1
            found[key] = self.value(value_node, _joined(path, key))
        return found

    def _error(self, node: yaml.Node, reason: str) -> Problem:
        return _unusable(f"{self._name} line {node.start_mark.line + 1}", reason)


def _text(given: str) -> tuple[str, str]:
    """Return how a file is called, and what stands in it."""
    shipped = SHIPPED / f"{given}.yml"
    if _KIND.fullmatch(given) and shipped.is_file():
        return shipped.name, shipped.read_text(encoding="utf-8")
    try:
        if given == "-":
            return "standard input", sys.stdin.read(_LARGEST_BYTES)
        with Path(given).open(encoding="utf-8") as file:
            return given, file.read(_LARGEST_BYTES)
    except UnicodeDecodeError:
        raise _unusable(given, "not text in UTF-8") from None
    except OSError as error:
        remedy = f"name a file, or one of the agreements that ship: {', '.join(kinds())}"
        raise Problem(f"{given} cannot be read ({error.strerror})", remedy, exit_code=2) from None


def _joined(path: str, part: str) -> str:
    return f"{path}.{part}" if path else part


def _unusable(where: str, reason: str) -> Problem:
    return Problem(f"{where}: {reason}", "correct it; nothing was added")
