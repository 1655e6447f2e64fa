"""What goes back over a connection: whole, or bit by bit."""

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from email.utils import formatdate
from functools import lru_cache
from http import HTTPStatus
from typing import Protocol

from shared.runtime.problem import CONTENT_TYPE as PROBLEM
from shared.runtime.problem import Problem


class Parts(Protocol):
    """The content of a stream. Yields at least once a second: nothing, where there is nothing to send."""

    def __iter__(self) -> Iterator[bytes]: ...

    def close(self) -> None:
        """Called once, when nothing more will be sent; also where nothing was."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stream:
    """A response that is sent bit by bit."""

    #: As it is sent.
    head: bytes
    parts: Parts
    #: The parts go out as chunks; without, the end of the connection is the end of the content.
    chunked: bool = True
    #: It answers HEAD: there is no content.
    head_only: bool = False


def response(
    status: HTTPStatus, kind: str, content: bytes, headers: Mapping[str, str], *, head_only: bool = False
) -> bytes:
    """Return a response as it is sent; with `head_only` the one to HEAD, which says how long the content would be."""
    head = response_head(status, kind, {"Content-Length": str(len(content)), **headers})
    return head if head_only else head + content


def response_head(status: HTTPStatus, kind: str, headers: Mapping[str, str]) -> bytes:
    """Return the head of a response as it is sent."""
    more = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return (
        f"HTTP/1.1 {status.value} {status.phrase}\r\nDate: {_date(int(time.time()))}\r\nContent-Type: {kind}\r\n"
        f"Cache-Control: no-store\r\n{more}\r\n"
    ).encode("latin-1")


def refusal(status: HTTPStatus, detail: str) -> bytes:
    """Return the last response of a connection on which something came that is no request."""
    problem = Problem(status=status, slug="bad-request", detail=detail)
    return response(status, PROBLEM, problem.body(), {"Connection": "close"})


@lru_cache(maxsize=1)
def _date(second: int) -> str:
    return formatdate(second, usegmt=True)
