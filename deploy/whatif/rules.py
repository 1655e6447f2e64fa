"""Sets of rules: those in force, and the same with some files replaced by others."""

import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import yaml

from deploy.city import models
from deploy.problem import Problem
from shared.rules import RuleError

#: The files of rules, and what only each of them has at its top.
_KINDS: Final[Mapping[str, frozenset[str]]] = {
    "risk.yml": frozenset({"lines", "mediation_bars"}),
    "referrals.yml": frozenset({"lines"}),
    "skills.yml": frozenset({"skills", "trained_within_days", "record_checked_within_days"}),
}


@contextmanager
def other_rules(paths: Sequence[Path], in_force: Path | None) -> Iterator[Path]:
    """Give a folder with the rules in force, some files replaced by others.

    Args:
        paths: files, or folders with files named like those shipped.
        in_force: the city's own folder.

    Raises:
        Problem: a file is not there, is no rule file, or says something that cannot be meant; it tells file and line.
    """
    with TemporaryDirectory(prefix="niangjia-rules-") as name:
        folder = Path(name)
        for kind in _KINDS:
            if in_force and (in_force / kind).is_file():
                shutil.copy(in_force / kind, folder / kind)
        given: dict[str, Path] = {}
        for path in _files(paths):
            kind = _kind(path)
            if kind in given:
                raise Problem(f"{path} and {given[kind]} are both {kind}", "give one of them", exit_code=2)
            given[kind] = path
            shutil.copy(path, folder / kind)
        _check(folder, given)
        yield folder


def own_files(paths: Sequence[Path]) -> list[str]:
    """Return the names of files of rules, of folders those in them."""
    found = (_in_folder(path) if path.is_dir() else [path] for path in paths)
    return [str(file) for files in found for file in files]


def check_in_force(folder: Path | None) -> None:
    """Make sure that the rules in force can be read.

    Raises:
        Problem: they cannot.
    """
    _check(folder, {})


def _check(folder: Path | None, given: Mapping[str, Path]) -> None:
    try:
        models(folder)
    except RuleError as error:
        name, _, place = error.where.partition(" ")
        where = f"{given.get(name, name)} {place}".strip()
        raise Problem(f"{where}: {error.reason}", "see docs/how-to/change-a-rule.md", exit_code=2) from None


def _files(paths: Sequence[Path]) -> Iterator[Path]:
    for path in paths:
        if path.is_dir():
            found = _in_folder(path)
            if not found:
                raise Problem(f"{path} holds none of {', '.join(_KINDS)}", "name them like those shipped", exit_code=2)
            yield from found
        else:
            yield path


def _in_folder(folder: Path) -> list[Path]:
    return [folder / kind for kind in _KINDS if (folder / kind).is_file()]


def _kind(path: Path) -> str:
    """Return which file of rules it takes the place of: by its name, else by what it says at its top."""
    if path.name in _KINDS:
        return path.name
    try:
        keys = set(yaml.safe_load(path.read_text(encoding="utf-8")))
    except (OSError, UnicodeDecodeError) as error:
        raise Problem(f"{path} cannot be read ({type(error).__name__})", "name a file of rules", exit_code=2) from None
    except (yaml.YAMLError, TypeError):
        keys = set()
    kinds = [kind for kind, top in _KINDS.items() if keys == top]
    if not kinds:
        raise Problem(f"{path} says not which rules it holds", f"name it {' or '.join(_KINDS)}", exit_code=2)
    return kinds[0]
