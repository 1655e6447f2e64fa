"""Sends lines of JSON to a service and brings back its answer to each, however often the service goes away meanwhile.

What is sent twice counts once: the services know every command again. So whatever got no answer is sent again.
"""

import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import orjson
import requests

from deploy.client import NDJSON, ServiceClient
from deploy.home import Home
from deploy.lines import Line, pieces
from deploy.problem import Problem
from shared.runtime.auth import Role

#: Bytes that a service takes in one request.
_LARGEST = 16 * 1024 * 1024
#: Seconds between two tries while a service is away, at first and at most.
_PAUSES = (0.5, 5.0)
#: Seconds between two words about the same trouble.
_QUIET = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """The answer to one line: what came of it, or (status 400 or more) a problem document."""

    line: Line
    status: int
    content: Mapping[str, Any]

    @property
    def accepted(self) -> bool:
        """Whether it is stored."""
        return self.status < HTTPStatus.BAD_REQUEST


class Sending:
    """Sends to one address of a service.

    Args:
        home: knows where the service answers.
        service: its name.
        path: takes NDJSON and answers each line.
        role: in which it is sent.
        patience: seconds that the service may be away at a time.
        say: is told of troubles on the way.
    """

    def __init__(
        self, home: Home, service: str, path: str, *, role: Role, patience: float, say: Callable[[str], object]
    ) -> None:
        self._home = home
        self._service = service
        self._path = path
        self._role = role
        self._patience = patience
        self._say = say
        self._said_at = float("-inf")
        self._speaking = threading.Lock()
        self._given_up = threading.Event()
        self._why: Problem | None = None

    def send(self, lines: Iterable[Line], *, concurrency: int = 1) -> Iterator[Reply]:
        """Send the lines and return the reply to each, in their order; with one connection they also arrive in it.

        Raises:
            Problem: the service is away for longer than the patience lasts, or refuses the request as a whole.
        """
        if concurrency == 1:
            with self._client() as client:
                for piece in pieces(lines):
                    yield from self._replies(client, piece)
        else:
            yield from self._send_at_once(lines, concurrency)

    def _send_at_once(self, lines: Iterable[Line], concurrency: int) -> Iterator[Reply]:
        clients = [self._client() for _ in range(concurrency)]
        free = deque(clients)

        def one(piece: Sequence[Line]) -> list[Reply]:
            client = free.popleft()
            try:
                return self._replies(client, piece)
            finally:
                free.append(client)

        under_way: deque[Future[list[Reply]]] = deque()
        with ThreadPoolExecutor(concurrency) as pool:
            try:
                for piece in pieces(lines):
                    under_way.append(pool.submit(one, piece))
                    if len(under_way) >= 2 * concurrency:
                        yield from under_way.popleft().result()
                while under_way:
                    yield from under_way.popleft().result()
            finally:
                self._given_up.set()
                pool.shutdown(cancel_futures=True)
                for client in clients:
                    client.__exit__(None, None, None)

    def _client(self) -> ServiceClient:
        # It waits for nothing itself: who waits here says so.
        return ServiceClient(self._home, self._service, role=self._role, patience=0)

    def _replies(self, client: ServiceClient, piece: Sequence[Line]) -> list[Reply]:
        refused = [_refused_here(line) for line in piece]
        fit = [line for line, refusal in zip(piece, refused, strict=True) if refusal is None]
        answered: Iterator[Reply] = iter(())
        if fit:
            answered = iter(self._read(self._answer(client, b"\n".join(line.content for line in fit)), fit))
        return [refusal or next(answered) for refusal in refused]

    def _answer(self, client: ServiceClient, body: bytes) -> requests.Response:
        """Send until there is an answer."""
        until, pause = 0.0, _PAUSES[0]
        while True:
            try:
                return client.ask("POST", self._path, body=body, content_type=NDJSON)
            except Problem as problem:
                until = until or time.monotonic() + self._patience
                if time.monotonic() >= until:
                    remedy = "what was accepted stays; see `niangjia doctor`, then send the same again"
                    self._why = self._why or Problem(f"{problem.wrong} (waited {self._patience:g} s)", remedy)
                    self._given_up.set()
                    raise self._why from None
                self._tell(f"{problem.wrong}; sending again, for {until - time.monotonic():.0f} s more")
            if self._given_up.wait(pause):
                raise self._why or Problem("stopped", "send the same again: what was accepted counts once")
            pause = min(pause * 2, _PAUSES[1])

    def _read(self, answer: requests.Response, lines: Sequence[Line]) -> list[Reply]:
        """Return the replies that an answer holds.

        Raises:
            Problem: it refuses all of it.
        """
        if answer.status_code == HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
            return [_too_large(line) for line in lines]
        if not answer.ok:
            raise Problem(f"{self._service} refuses with {answer.status_code} ({_detail(answer)})", _remedy(answer))
        contents = [orjson.loads(content) for content in answer.content.splitlines()]
        return [
            Reply(line=line, status=content["status"], content=content)
            for line, content in zip(lines, contents, strict=True)
        ]

    def _tell(self, what: str) -> None:
        with self._speaking:
            if time.monotonic() - self._said_at >= _QUIET:
                self._said_at = time.monotonic()
                self._say(what)


def _refused_here(line: Line) -> Reply | None:
    """Return why a line cannot even be sent among others, or None."""
    if len(line.content) > _LARGEST:
        return _too_large(line)
    if b"\r" in line.content:
        reason = "holds a carriage return; write one JSON object a line, each ended by a line feed"
        return _refusal(line, HTTPStatus.BAD_REQUEST, reason)
    return None


def _too_large(line: Line) -> Reply:
    return _refusal(line, HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"is larger than {_LARGEST} bytes")


def _refusal(line: Line, status: HTTPStatus, reason: str) -> Reply:
    content = {"status": status.value, "errors": [{"field": "body", "reason": reason}]}
    return Reply(line=line, status=status.value, content=content)


def _detail(answer: requests.Response) -> str:
    try:
        return str(answer.json()["detail"])
    except (ValueError, KeyError, TypeError):
        return answer.reason


def _remedy(answer: requests.Response) -> str:
    if answer.status_code == HTTPStatus.UNAUTHORIZED:
        return "name the folder of the system's keys in NIANGJIA_SECRETS"
    return "see `niangjia doctor`"
