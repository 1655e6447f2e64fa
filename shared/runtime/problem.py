"""Errors as clients get them: problem+json (RFC 9457) that says what is wrong, where, and what to do."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

import orjson
from pymongo.errors import ConnectionFailure

from shared.kernel import Conflict, Gone, NotFound, Refused
from shared.runtime.auth import Unauthorised
from shared.runtime.unavailable import Unavailable

CONTENT_TYPE = "application/problem+json"
#: Seconds after which a client whose request met something away may try again.
RETRY_AFTER = 2
#: What Python calls differently from one release to the next.
_TITLES = {
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "Content Too Large",
    HTTPStatus.UNPROCESSABLE_ENTITY: "Unprocessable Content",
}


#: With which a refusal of the rules comes back, where it is none of the form.
_STATUSES = {NotFound: HTTPStatus.NOT_FOUND, Conflict: HTTPStatus.CONFLICT, Gone: HTTPStatus.GONE}


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong with the input: where, and why. Quotes no value."""

    field: str
    reason: str


class Invalid(Exception):
    """The input cannot be accepted; names every field that is wrong."""

    def __init__(self, faults: Sequence[Fault], status: HTTPStatus = HTTPStatus.UNPROCESSABLE_ENTITY) -> None:
        super().__init__("; ".join(f"{f.field}: {f.reason}" for f in faults[:5]))
        self.faults = tuple(faults)
        self.status = status


class Forbidden(Exception):
    """The bearer's role or district does not open this."""


class TooMany(Exception):
    """More at once, or in a short time, than one client may ask for; says after how many seconds to come again."""

    def __init__(self, detail: str, seconds: int = 1) -> None:
        super().__init__(detail)
        self.seconds = seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """A problem document."""

    status: HTTPStatus
    slug: str
    detail: str
    faults: Sequence[Fault] = ()
    headers: dict[str, str] = field(default_factory=dict)

    def document(self) -> dict[str, Any]:
        """Return the document as JSON types."""
        document: dict[str, Any] = {
            "type": f"urn:niangjia:problem:{self.slug}",
            "title": _TITLES.get(self.status, self.status.phrase),
            "status": self.status.value,
            "detail": _clean(self.detail),
        }
        if self.faults:
            document["errors"] = [{"field": _clean(f.field), "reason": _clean(f.reason)} for f in self.faults]
        return document

    def body(self) -> bytes:
        """Return the document as it is sent."""
        return orjson.dumps(self.document())


def problem(error: Exception) -> Problem:
    """Return what a client is told about an error; of a bug, only that there was one."""
    for kind, make in _MAKERS.items():
        if isinstance(error, kind):
            return make(error)
    return Problem(
        status=HTTPStatus.INTERNAL_SERVER_ERROR,
        slug="internal-error",
        detail="something went wrong here; nothing was stored. Tell the operators the time of this answer",
    )


def _invalid(error: Invalid) -> Problem:
    return Problem(status=error.status, slug="invalid-input", detail=str(error), faults=error.faults)


def _refused(error: Refused) -> Problem:
    status = next((s for kind, s in _STATUSES.items() if isinstance(error, kind)), HTTPStatus.UNPROCESSABLE_ENTITY)
    faults = [Fault(error.field, error.detail)] if error.field else []
    return Problem(status=status, slug=error.slug, detail=error.detail, faults=faults)


def _unavailable(error: Unavailable) -> Problem:
    return Problem(
        status=HTTPStatus.SERVICE_UNAVAILABLE,
        slug="unavailable",
        detail=f"{error}; send the same again, it will not count twice",
        headers={"Retry-After": str(RETRY_AFTER)},
    )


def _unauthorised(error: Unauthorised) -> Problem:
    return Problem(
        status=HTTPStatus.UNAUTHORIZED,
        slug="unauthorised",
        detail=str(error),
        headers={"WWW-Authenticate": "Bearer"},
    )


def _forbidden(error: Forbidden) -> Problem:
    return Problem(status=HTTPStatus.FORBIDDEN, slug="forbidden", detail=str(error))


def _too_many(error: TooMany) -> Problem:
    return Problem(
        status=HTTPStatus.TOO_MANY_REQUESTS,
        slug="too-many",
        detail=str(error),
        headers={"Retry-After": str(error.seconds)},
    )


_MAKERS: dict[type[Exception], Callable[[Any], Problem]] = {
    Invalid: _invalid,
    Refused: _refused,
    Unavailable: _unavailable,
    ConnectionFailure: lambda _: _unavailable(Unavailable("the database is away")),
    Unauthorised: _unauthorised,
    Forbidden: _forbidden,
    TooMany: _too_many,
}


def _clean(text: str) -> str:
    """Return text that can be sent: a name of a field may hold what UTF-8 has no bytes for, or control characters."""
    text = text.encode("utf-8", "replace").decode()
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text[:500])
