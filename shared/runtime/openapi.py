"""The OpenAPI 3.1 document of the house, made of what its endpoints declare."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from inspect import cleandoc
from typing import Any

import orjson

from shared.runtime.auth import HOUSE, Role
from shared.runtime.contract import JSON, NDJSON, Contract
from shared.runtime.field import Items, Part, described
from shared.runtime.form import Form
from shared.runtime.problem import CONTENT_TYPE as PROBLEM
from shared.runtime.refusal import REFUSALS, SCHEMA, refusals

#: Of the interface as a whole: the first figure rises with what old clients cannot live with.
VERSION = "1.0.0"

_SCHEMAS, _RESPONSES = "#/components/schemas/", "#/components/responses/"
_DESCRIPTION = (
    "Every service of Niangjia answers at an address of its own (here those of `docker compose up`). Every request "
    "carries a token; what a role opens stands with each operation. Every error is a problem document (RFC 9457) that "
    "names what is wrong and quotes no value. A later release may add fields to what is answered: pass over those that "
    "you do not know."
)
_PROBLEM_REFERENCE = {"$ref": f"{_SCHEMAS}Problem"}
_LINE: Mapping[str, Any] = {
    "type": "object",
    "description": "What stands beside the answer of each line.",
    "properties": {
        "line": {"type": "integer", "minimum": 1, "description": "Its number in what was sent."},
        "status": {"type": "integer", "description": "As if it had been sent alone."},
    },
    "required": ["line", "status"],
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One endpoint, and the services that have it."""

    name: str
    method: str
    #: With `<name>` for a part that varies.
    path: str
    roles: frozenset[Role]
    about: str
    contract: Contract
    services: Sequence[str]


def openapi(operations: Sequence[Operation], addresses: Mapping[str, str]) -> dict[str, Any]:
    """Return the document as JSON types.

    Args:
        operations: all that there are.
        addresses: where each service answers, by its name.
    """
    paths: dict[str, Any] = {}
    for one in operations:
        servers = [{"url": addresses[name], "description": name} for name in one.services]
        path = paths.setdefault(re.sub("<(.+?)>", r"{\1}", one.path), {"servers": servers})
        path[one.method.lower()] = _operation(one)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Niangjia", "version": VERSION, "description": _DESCRIPTION},
        "tags": [{"name": name} for name in addresses],
        "paths": paths,
        "components": {
            "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}},
            "schemas": _schemas(operations),
            "responses": {_name(status): _refusal(status, about) for status, (about, _) in REFUSALS.items()},
        },
    }


def _operation(one: Operation) -> dict[str, Any]:
    summary, _, more = one.about.partition("\n\n")
    opened = "Any role of the house." if one.roles == HOUSE else f"Roles: {', '.join(sorted(one.roles))}."
    taken = one.contract.takes
    return {
        "operationId": one.name,
        "tags": list(one.services),
        "summary": summary.rstrip("."),
        "description": " ".join(filter(None, (more.replace("\n", " "), opened))),
        "security": [{"bearer": [role.value]} for role in Role if role in one.roles],
        "parameters": [
            *_parts_of_path(one.path),
            *_parts_of_query(one.contract.query),
            *_headers(one.contract.headers),
        ],
        **(
            {"requestBody": {"required": True, "content": _content(one.contract, taken, answer=False)}} if taken else {}
        ),
        "responses": dict(_responses(one)),
    }


def _parts_of_path(path: str) -> Iterator[dict[str, Any]]:
    for name in re.findall("<(.+?)>", path):
        schema = {"type": "string", "minLength": 1, "maxLength": 128}
        yield {"name": name, "in": "path", "required": True, "schema": schema}


def _parts_of_query(form: type[Form] | None) -> Iterator[dict[str, Any]]:
    for field in form().fields.values() if form else ():
        schema = described(field, nullable=False)
        about = {"description": schema.pop("description")} if "description" in schema else {}
        yield {"name": field.data_key or field.name, "in": "query", **about, "schema": schema}


def _headers(headers: Mapping[str, str]) -> Iterator[dict[str, Any]]:
    for name, about in headers.items():
        yield {"name": name, "in": "header", "description": about, "schema": {"type": "string", "maxLength": 128}}


def _content(contract: Contract, form: type[Form] | None, *, answer: bool) -> dict[str, Any]:
    """Return the body of a request or an answer."""
    if form is None:
        return {contract.content_type: {"schema": {"type": "string"}}}
    reference = {"$ref": _SCHEMAS + form.__name__}
    if not contract.lines:
        return {JSON: {"schema": reference}}
    # OpenAPI 3.1 has no word for a line.
    about = f"One {form.__name__} a line, as JSON"
    if not answer:
        return _lines(f"{about}.", reference, form.example)
    line = {"$ref": f"{_SCHEMAS}Line"}
    either = {"anyOf": [{"allOf": [line, reference]}, {"allOf": [line, {"$ref": f"{_SCHEMAS}Problem"}]}]}
    return _lines(f"{about}, or a Problem; each with Line.", either, {"line": 1, "status": 201, **form.example})


def _lines(about: str, line: dict[str, Any], example: Mapping[str, Any]) -> dict[str, Any]:
    text = orjson.dumps(example, option=orjson.OPT_APPEND_NEWLINE).decode()
    return {NDJSON: {"schema": {"type": "string", "description": about}, "example": text, "x-line": line}}


def _responses(one: Operation) -> Iterator[tuple[str, dict[str, Any]]]:
    for status in one.contract.statuses:
        content = _content(one.contract, one.contract.answers, answer=True)
        yield str(status.value), {"description": status.phrase, "content": content}
    for status, why in refusals(one.path, one.roles, one.contract).items():
        usual = why == REFUSALS[status][0]
        yield str(status.value), {"$ref": _RESPONSES + _name(status)} if usual else _refusal(status, why)
    yield "default", {"description": "Any other problem.", "content": {PROBLEM: {"schema": _PROBLEM_REFERENCE}}}


def _refusal(status: HTTPStatus, why: str) -> dict[str, Any]:
    example = REFUSALS[status][1]
    headers = {name: {"schema": {"type": "string"}, "example": value} for name, value in example.headers.items()}
    content = {PROBLEM: {"schema": _PROBLEM_REFERENCE, "example": example.document()}}
    return {"description": why, **({"headers": headers} if headers else {}), "content": content}


def _name(status: HTTPStatus) -> str:
    return f"Refused{status.value}"


def _schemas(operations: Iterable[Operation]) -> dict[str, Any]:
    """Return the schemas of all forms: those that come in closed, those that go out open."""
    operations = list(operations)
    taken = dict(forms(one.contract.takes for one in operations))
    answered = dict(forms(one.contract.answers for one in operations))
    schemas = {"Line": _LINE, "Problem": SCHEMA}
    schemas |= {name: _schema(form) for name, form in answered.items()}
    schemas |= {name: {**_schema(form), "additionalProperties": False} for name, form in taken.items()}
    if strange := [name for name in taken.keys() & answered.keys() if taken[name] is not answered[name]]:
        raise ValueError(f"two different forms are called {', '.join(strange)}")
    return dict(sorted(schemas.items()))


def forms(given: Iterable[type[Form] | None]) -> Iterator[tuple[str, type[Form]]]:
    """Yield forms and all that are part of them, by their names."""
    for form in filter(None, given):
        yield form.__name__, form
        for field in form().fields.values():
            inner = field.inner if isinstance(field, Items) else field
            if isinstance(inner, Part):
                yield from forms([inner.form])


def _schema(form: type[Form]) -> dict[str, Any]:
    fields = form().fields
    names = {name: field.data_key or name for name, field in fields.items()}
    schema = {
        "type": "object",
        "description": cleandoc(form.__doc__ or ""),
        "properties": {names[name]: described(field) for name, field in fields.items()},
        "required": [names[name] for name, field in fields.items() if field.required],
    }
    return {**schema, "examples": [dict(form.example)]} if form.example else schema
