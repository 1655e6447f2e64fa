"""Every package that an installation brings has its exact version written down."""

import re
import tomllib
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, requires

from deploy.reference import ROOT

_NAME = re.compile(r"[A-Za-z0-9._-]+")
_EXTRAS = re.compile(r"\[([^]]*)\]")


def canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def lines() -> list[str]:
    text = (ROOT / "deploy" / "constraints.txt").read_text(encoding="utf-8")
    return [line for line in text.splitlines() if line and not line.startswith("#")]


PINNED = {canonical(line.split("==")[0]) for line in lines()}


def wanted() -> Iterator[str]:
    """Yield the requirements of the project, with all its extras."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    yield from project["dependencies"]
    for extra in project["optional-dependencies"].values():
        yield from extra


def closure(requirements: Iterator[str]) -> Iterator[str]:
    """Yield the names of what is required, and of what that requires, as far as it is installed here."""
    todo, seen = list(requirements), set()
    while todo:
        requirement = todo.pop()
        name = _NAME.match(requirement)
        assert name, requirement
        extras = _EXTRAS.search(requirement)
        key = (canonical(name.group()), extras.group(1) if extras else "")
        if key in seen:
            continue
        seen.add(key)
        yield key[0]
        try:
            found = requires(name.group()) or []
        except PackageNotFoundError:
            continue
        todo += [one for one in found if applies(one, key[1])]


def applies(requirement: str, extras: str) -> bool:
    """Tell whether a requirement holds for the extras; what depends on system or version is left to what is there."""
    _, _, condition = requirement.partition(";")
    named = re.findall(r"""extra == ["']([^"']+)["']""", condition)
    return not condition or bool(set(named) & set(extras.split(",")))


def test_every_version_is_exact() -> None:
    assert all(re.fullmatch(r"[A-Za-z0-9._-]+==[0-9][A-Za-z0-9.]*", line) for line in lines())
    assert lines() == sorted(lines(), key=str.lower)


def test_nothing_is_installed_without_a_version() -> None:
    assert sorted(set(closure(wanted())) - PINNED) == []


def test_no_registry_is_named() -> None:
    for name in ("constraints.txt", "mongod.txt", "bootstrap"):
        assert "://" not in (ROOT / "deploy" / name).read_text(encoding="utf-8")
