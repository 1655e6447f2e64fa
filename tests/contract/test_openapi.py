"""The OpenAPI document is valid, up to date, and its schemas take what the services take and nothing else."""

import json
import re
from copy import deepcopy
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator, FormatChecker
from openapi_spec_validator import OpenAPIV31SpecValidator
from openapi_spec_validator.validation.exceptions import OpenAPIValidationError

from deploy import reference
from deploy.http_reference import documents, operations
from services.intake import schemas as intake
from services.volunteer import schemas as volunteer
from shared.runtime.form import Form, load
from shared.runtime.openapi import forms
from shared.runtime.problem import Invalid
from tests.integration.http.rubbish import lines, spelled_out

FOLDER = reference.ROOT / "docs" / "reference" / "http"
DOCUMENT: dict[str, Any] = yaml.safe_load((FOLDER / "openapi.yaml").read_text(encoding="utf-8"))
SCHEMAS: dict[str, Any] = DOCUMENT["components"]["schemas"]

#: What only the clock, or the calendar of characters, can tell.
NO_MATTER_OF_SHAPE = {
    "received_at a hundred years ahead",
    "birth date in the future",
    "lone surrogate in a name",
}


def test_the_committed_reference_is_up_to_date() -> None:
    for path, text in documents().items():
        assert (reference.ROOT / path).read_text(encoding="utf-8") == text, "run `python -m deploy.reference`"


def test_a_copy_that_differs_is_stale(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reference, "ROOT", tmp_path)
    assert reference.main([]) == 0
    assert reference.main(["--check"]) == 0
    with (tmp_path / "docs/reference/http/openapi.yaml").open("a") as document:
        document.write("\n")

    assert reference.stale() == ["docs/reference/http/openapi.yaml"]
    assert reference.main(["--check"]) == 1


def test_the_official_validator_finds_no_fault() -> None:
    assert DOCUMENT["openapi"].startswith("3.1")
    OpenAPIV31SpecValidator(DOCUMENT).validate()


def test_the_validator_finds_what_is_spoilt() -> None:
    spoilt = deepcopy(DOCUMENT)
    spoilt["paths"]["/reports"]["post"]["responses"]["201"].pop("description")

    with pytest.raises(OpenAPIValidationError):
        OpenAPIV31SpecValidator(spoilt).validate()


def test_every_endpoint_of_every_service_is_described() -> None:
    described = {(method, path) for path, item in DOCUMENT["paths"].items() for method in item if method != "servers"}

    assert {("post", "/reports"), ("get", "/cases/{case_id}"), ("post", "/volunteers/batch")} < described
    assert len(described) == len(operations())
    health = DOCUMENT["paths"]["/health"]
    assert [server["description"] for server in health["servers"]] == [tag["name"] for tag in DOCUMENT["tags"]]


def test_every_reference_leads_to_a_schema_and_every_schema_is_used() -> None:
    text = json.dumps(DOCUMENT)
    referred = set(re.findall(r'"#/components/schemas/(\w+)"', text))

    assert referred == set(SCHEMAS)
    assert set(re.findall(r'"#/components/responses/(\w+)"', text)) <= set(DOCUMENT["components"]["responses"])


TAKEN = dict(forms(one.contract.takes for one in operations()))


@pytest.mark.parametrize("form", TAKEN.values(), ids=TAKEN)
def test_what_comes_in_is_closed_and_bounded(form: type[Form]) -> None:
    schema = SCHEMAS[form.__name__]

    assert schema["additionalProperties"] is False
    for part in schema["properties"].values():
        if "string" in part.get("type", ""):
            assert part.keys() & {"enum", "maxLength", "format"}, part
        if "array" in part.get("type", ""):
            assert "maxItems" in part


@cache
def validator(name: str) -> Draft202012Validator:
    # Python's `$` also matches before a last line break, that of JSON Schema (ECMA 262) does not.
    components = json.loads(re.sub(r'("pattern": "[^"]*)\$"', r'\1\\\\Z"', json.dumps(DOCUMENT["components"])))
    schema = {"$ref": f"#/components/schemas/{name}", "components": components}
    Draft202012Validator.check_schema(components["schemas"][name])
    return Draft202012Validator(schema, format_checker=FormatChecker())


@pytest.mark.parametrize(("name", "file"), [("Report", "earlier"), ("Report", "reports"), ("Volunteer", "volunteers")])
def test_the_sample_week_fits_the_schemas(name: str, file: str) -> None:
    for sent in lines(file):
        validator(name).validate(sent)


OBJECTS = [case for case in lines("invalid") if isinstance(spelled_out(case["input"]), dict)]


@pytest.mark.parametrize("case", OBJECTS, ids=lambda case: case["case"])
def test_a_report_of_the_wrong_shape_does_not_fit(case: dict[str, Any]) -> None:
    fits = validator("Report").is_valid(spelled_out(case["input"]))

    assert fits is (case["case"] in NO_MATTER_OF_SHAPE)


EXAMPLES = dict(forms(form for one in operations() for form in (one.contract.takes, one.contract.answers)))


@pytest.mark.parametrize("form", [form for form in EXAMPLES.values() if form.example], ids=lambda form: form.__name__)
def test_every_example_fits_its_form_and_its_schema(form: type[Form]) -> None:
    load(form(), form.example)
    validator(form.__name__).validate(form.example)


def test_every_example_of_a_refusal_is_a_problem() -> None:
    for response in DOCUMENT["components"]["responses"].values():
        validator("Problem").validate(response["content"]["application/problem+json"]["example"])


#: Where something can be put, and what. Left out is what a schema cannot tell: 1.0 from 1, a time to come, half a
#: character.
ODD = [
    None, True, False, 0, 1, -1, 121, 10**12, 1.5, "", " ", "\u3000", "x", "X" * 300, "é", "1", "١٢", "33", "３３",
    "330302", "3303021", "13800000001", "()-", "+86 138-0000-0001", "2026-02-28", "2026-2-28", "2025-02-29",
    "2026-03-02T09:14:00+08:00", "2026-03-02T09:14:00Z", "2026-03-02T09:14:00", "09:00-16:00", "9-16", "24:00-01:00",
    "a\nb", "a\n", "\x00", "a\u2028b", "\x1b[31m", "self", "female", "police", "wechat", "law", "dialect:温州话",
    "dialect: x", "v012", [], {}, [[]], [None], ["police"], ["police"] * 60, {"x": 1}, {"age": 6}, {"name": "王某"},
]  # fmt: skip

BASES = {"Report": (intake.Report(), lines("reports")), "Volunteer": (volunteer.Volunteer(), lines("volunteers"))}


@st.composite
def altered(draw: st.DrawFn) -> tuple[str, Any]:
    """Return a form's name and an object for it in which something is odd, missing or too much."""
    name = draw(st.sampled_from(sorted(BASES)))
    sent = deepcopy(draw(st.sampled_from(BASES[name][1])))
    for _ in range(draw(st.integers(1, 2))):
        node: Any = sent
        known = list(BASES[name][0].fields)
        while True:
            keys = list(range(len(node))) if isinstance(node, list) else sorted({*node, *known, "strange"})
            if not keys:
                break
            key, known = draw(st.sampled_from(keys)), []
            inner = node[key] if isinstance(node, list) else node.get(key)
            if isinstance(inner, (dict, list)) and inner and draw(st.booleans()):
                node = inner
            elif isinstance(node, dict) and draw(st.integers(0, 4)) == 0:
                node.pop(key, None)
                break
            else:
                node[key] = deepcopy(draw(st.sampled_from(ODD)))
                break
    return name, sent


@settings(max_examples=1_500, suppress_health_check=[HealthCheck.too_slow])
@given(altered())
def test_a_schema_takes_what_its_form_takes_and_nothing_else(case: tuple[str, Any]) -> None:
    name, sent = case
    try:
        load(BASES[name][0], sent)
        taken = True
    except Invalid:
        taken = False

    assert validator(name).is_valid(sent) is taken
