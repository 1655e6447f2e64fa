"""Who answers at which address."""

import re
from collections.abc import Iterable
from http import HTTPStatus
from typing import Generic, Protocol, TypeVar
from urllib.parse import parse_qsl

from shared.kernel import NotFound
from shared.runtime.problem import Fault, Invalid

#: Parameters that an address may have.
MAX_PARAMETERS = 50
_PLACEHOLDER = re.compile(r"<([a-z_]+)>")


class Addressed(Protocol):
    """What answers a method at a path; in the path stands `<name>` for a part that varies."""

    method: str
    path: str


_Route = TypeVar("_Route", bound=Addressed)


class NoMethod(Exception):
    """There is something at this address, but it does not take this method."""

    def __init__(self, allowed: Iterable[str]) -> None:
        self.allowed = ", ".join(sorted(allowed))
        super().__init__(f"this address takes {self.allowed}")


class Routes(Generic[_Route]):
    """Finds who answers a request. HEAD goes where GET goes."""

    def __init__(self) -> None:
        self._exact: dict[str, dict[str, _Route]] = {}
        self._patterns: dict[str, tuple[re.Pattern[str], dict[str, _Route]]] = {}

    def add(self, route: _Route) -> None:
        """Let something answer at its address."""
        if "<" in route.path:
            pattern = re.compile(_PLACEHOLDER.sub(r"(?P<\1>[^/]{1,128})", route.path))
            methods = self._patterns.setdefault(route.path, (pattern, {}))[1]
        else:
            methods = self._exact.setdefault(route.path, {})
        methods[route.method] = route

    def find(self, method: str, path: str) -> tuple[_Route, dict[str, str]]:
        """Return who answers, and the parts that vary.

        Raises:
            NotFound: there is nothing at this address.
            NoMethod: it does not take this method.
        """
        methods, parts = self._at(path)
        route = methods.get("GET" if method == "HEAD" else method)
        if route is None:
            raise NoMethod([*methods, "HEAD"] if "GET" in methods else methods)
        return route, parts

    def _at(self, path: str) -> tuple[dict[str, _Route], dict[str, str]]:
        if methods := self._exact.get(path):
            return methods, {}
        for pattern, methods in self._patterns.values():
            if match := pattern.fullmatch(path):
                return methods, match.groupdict()
        raise NotFound("no-such-address", "there is nothing at this address")


def parameters(query: str) -> dict[str, str]:
    """Return what stands after the question mark of an address, also what is empty.

    Raises:
        Invalid: there is too much, or a name stands twice.
    """
    try:
        pairs = parse_qsl(query, keep_blank_values=True, max_num_fields=MAX_PARAMETERS)
    except ValueError:
        fault = Fault("query", f"must have at most {MAX_PARAMETERS} fields")
        raise Invalid([fault], HTTPStatus.BAD_REQUEST) from None
    found: dict[str, str] = {}
    for name, value in pairs:
        if name in found:
            raise Invalid([Fault(name, "stands twice in the address; send it once")], HTTPStatus.BAD_REQUEST)
        found[name] = value
    return found
