"""Why requests are refused, by status; each with the problem document that a client gets, as an example."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from shared.kernel import Conflict, Gone, NotFound
from shared.runtime.auth import Role, Unauthorised
from shared.runtime.contract import Contract
from shared.runtime.draft import MAX_BODY
from shared.runtime.problem import RETRY_AFTER, Fault, Forbidden, Invalid, Problem, TooMany, problem
from shared.runtime.unavailable import Unavailable

_UNREADABLE = Invalid([Fault("body", "the body is empty; send one JSON object")], HTTPStatus.BAD_REQUEST)
_CONFLICT = Conflict("report-key-conflict", "A report with this key and other content is already there.")
_TOO_LARGE = f"the body is larger than {MAX_BODY} bytes"

#: The problem document as JSON Schema.
SCHEMA: Mapping[str, Any] = {
    "type": "object",
    "description": "What is wrong, where, and what to do.",
    "properties": {
        "type": {"type": "string", "pattern": "^urn:niangjia:problem:[a-z-]+$", "description": "Which kind; a name."},
        "title": {"type": "string"},
        "status": {"type": "integer", "minimum": 400, "maximum": 599},
        "detail": {"type": "string", "description": "For a person."},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {
                    "field": {"type": "string", "description": "Path of what is wrong, as in children.0.age."},
                    "reason": {"type": "string"},
                },
                "required": ["field", "reason"],
            },
        },
    },
    "required": ["type", "title", "status", "detail"],
}
#: Of every status: why, and an example.
REFUSALS: Mapping[HTTPStatus, tuple[str, Problem]] = {
    example.status: (why, example)
    for why, example in (
        ("It cannot be read: no JSON, not UTF-8, a name given twice.", problem(_UNREADABLE)),
        ("There is no token, or it does not count.", problem(Unauthorised("the token has expired; ask for a new one"))),
        (
            "The role or the district of the token does not open this.",
            problem(Forbidden("your token is for district 330302 only; the report names another")),
        ),
        (
            "It is not there, or lies outside the district of the token.",
            problem(NotFound("case-unknown", "there is no case with this id in your district", field="case_id")),
        ),
        ("What is stored contradicts it, and stands.", problem(_CONFLICT)),
        (
            "It was erased: nobody can read any more what was kept of it.",
            problem(Gone("case-erased", "this case was erased", field="case_id")),
        ),
        (
            f"The body is larger than {MAX_BODY} bytes.",
            Problem(status=HTTPStatus.REQUEST_ENTITY_TOO_LARGE, slug="bad-request", detail=_TOO_LARGE),
        ),
        (
            "Fields are wrong; `errors` names each.",
            problem(Invalid([Fault("client.birth_date", "must be a day that exists, as in 1991-05-02")])),
        ),
        (
            "A partner has too many connections or streams, or asks too often.",
            problem(TooMany("5 streams are open already; close one")),
        ),
        (
            f"The database is away. The same again after {RETRY_AFTER} seconds does not count twice.",
            problem(Unavailable("the database is away")),
        ),
    )
}


def refusals(path: str, roles: frozenset[Role], contract: Contract) -> Mapping[HTTPStatus, str]:
    """Return the statuses with which an endpoint may refuse a request, and why."""
    expected = {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}
    if Role.AGENCY in roles:
        expected |= {HTTPStatus.TOO_MANY_REQUESTS}
    if "<" in path:
        expected |= {HTTPStatus.NOT_FOUND, HTTPStatus.SERVICE_UNAVAILABLE}
    if contract.query or contract.takes:
        expected |= {HTTPStatus.BAD_REQUEST, HTTPStatus.UNPROCESSABLE_ENTITY, HTTPStatus.SERVICE_UNAVAILABLE}
    if contract.takes:
        expected |= {HTTPStatus.REQUEST_ENTITY_TOO_LARGE}
    found = {status: REFUSALS[status][0] for status in expected} | dict(contract.refuses)
    return {status: found[status] for status in sorted(found)}
