"""Holds answers of real services to what the OpenAPI document says of them, to the last field."""

import json
import re
from collections.abc import Mapping
from copy import deepcopy
from typing import Any
from urllib.parse import urlsplit

import requests
import yaml
from jsonschema import Draft202012Validator, FormatChecker

from tests.support.system import ROOT

DOCUMENT: Mapping[str, Any] = yaml.safe_load(
    (ROOT / "docs" / "reference" / "http" / "openapi.yaml").read_text(encoding="utf-8")
)


def checked(response: requests.Response) -> requests.Response:
    """Return an answer that is as the document says; fail where its status, type or content is not."""
    method, path = str(response.request.method).lower(), urlsplit(str(response.request.url)).path
    described = _operation(method, path)["responses"]
    status = str(response.status_code)
    assert status in described, f"{method} {path} answers {status}, which is not described"
    content = _resolved(described[status])["content"]
    kind = response.headers["Content-Type"].partition(";")[0]
    assert kind in content
    if "x-line" in content[kind]:
        for line in response.text.splitlines():
            _check_line(json.loads(line), content[kind]["x-line"])
    elif "json" in kind:
        _validate(response.json(), content[kind]["schema"])
    return response


def _check_line(answer: dict[str, Any], schema: Mapping[str, Any]) -> None:
    done, refused = (each["allOf"][1] for each in schema["anyOf"])
    _validate(answer, schema)
    assert answer.pop("line") >= 1
    if answer["status"] < 400:
        answer.pop("status")
        _validate(answer, done)
    else:
        _validate(answer, refused)


def _operation(method: str, path: str) -> Mapping[str, Any]:
    for template in sorted(DOCUMENT["paths"], key=lambda one: "{" in one):
        if re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", template), path):
            operation: Mapping[str, Any] = DOCUMENT["paths"][template][method]
            return operation
    raise AssertionError(f"{path} is not described")


def _resolved(part: Mapping[str, Any]) -> Mapping[str, Any]:
    reference = part.get("$ref")
    return DOCUMENT["components"]["responses"][reference.rpartition("/")[2]] if reference else part


def _validate(answer: Any, schema: Mapping[str, Any]) -> None:
    components = deepcopy(DOCUMENT["components"])
    if "$ref" in schema:
        # A client passes over what it does not know; here nothing may come that is not described.
        for part in components["schemas"].values():
            part["additionalProperties"] = False
    whole = {**schema, "components": components}
    Draft202012Validator(whole, format_checker=FormatChecker()).validate(answer)
