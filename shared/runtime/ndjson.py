"""Many commands in one request: one JSON object a line, one answer a line."""

from collections.abc import Callable
from http import HTTPStatus
from typing import Any

import eventlet
import orjson
import structlog

from shared.kernel import Message
from shared.runtime.auth import Bearer
from shared.runtime.contract import NDJSON
from shared.runtime.http import Answer, Request
from shared.runtime.jsontext import parse
from shared.runtime.problem import Fault, Invalid, problem
from shared.runtime.ticket import Fate, Ticket
from shared.runtime.work import UnitOfWork

#: Lines that one request may hold.
MAX_LINES = 10_000
#: Lines after which others have their turn.
TURN = 100

_log = structlog.get_logger(__name__)


def each_line(request: Request, read: Callable[[object, Bearer], Message], work: UnitOfWork) -> Answer:
    """Carry out the command of every line, in their order, and answer each: {"line", "status", …}.

    `read` makes a command of a parsed line, or raises what is wrong with it.

    Raises:
        Invalid: there are no lines, or too many.
        Unavailable: the database is away; send the whole again.
    """
    lines = [(n, line) for n, line in enumerate(request.body.splitlines(), start=1) if line.strip()]
    if not 0 < len(lines) <= MAX_LINES:
        raise Invalid([Fault("body", f"must have 1 to {MAX_LINES} lines, found {len(lines)}")])
    answers: dict[int, dict[str, Any]] = {}
    messages: dict[int, Message] = {}
    for n, line in lines:
        if n % TURN == 0:
            eventlet.sleep()
        try:
            messages[n] = read(parse(line), request.bearer)
        except Exception as error:  # noqa: BLE001  a bad line harms no other
            answers[n] = _refused(n, error)
            if answers[n]["status"] == HTTPStatus.INTERNAL_SERVER_ERROR:
                _log.error("line failed", action="http", line=n, exc_info=error)
    for n, ticket in zip(messages, work.do_all(list(messages.values())), strict=True):
        answers[n] = _answered(n, ticket)
    body = b"".join(orjson.dumps(answers[n]) + b"\n" for n, _ in lines)
    return Answer(body=body, content_type=NDJSON)


def _answered(n: int, ticket: Ticket) -> dict[str, Any]:
    if ticket.fate is not Fate.DONE:
        return _refused(n, ticket.error or RuntimeError())
    return {"line": n, "status": HTTPStatus.CREATED.value, **(ticket.answer or {})}


def _refused(n: int, error: Exception) -> dict[str, Any]:
    return {"line": n, **problem(error).document()}
