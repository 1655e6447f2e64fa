"""The reference of the events is what the catalogue says, and its JSON Schemas say what the publishers check."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from jsonschema import Draft202012Validator

from shared.events import CATALOGUE, EventType
from shared.events.checker import Checker
from shared.events.generate import FOLDER, documents, main, stale, write
from shared.events.jsonschema import json_schema
from tests.unit.events.mutation import mutations

VALIDATORS = {declared.type: Draft202012Validator(json_schema(declared)) for declared in CATALOGUE}
CHECKERS = {declared.type: Checker(declared.schema) for declared in CATALOGUE}

every_event = pytest.mark.parametrize("declared", list(CATALOGUE), ids=lambda declared: declared.type)


def test_the_committed_reference_is_up_to_date() -> None:
    found = stale(FOLDER, documents(CATALOGUE))

    assert not found, "run `python -m shared.events.generate` and commit what it writes"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with the reference as it should be."""
    write(tmp_path, documents(CATALOGUE))
    return tmp_path


def test_what_was_just_written_is_not_stale(folder: Path) -> None:
    assert stale(folder, documents(CATALOGUE)) == []
    assert main(["--check", "--to", str(folder)]) == 0


@pytest.mark.parametrize("path", ["README.md", "asyncapi.yaml", "schemas/report.received.v1.json"])
def test_a_copy_that_differs_is_stale(folder: Path, path: str, capsys: pytest.CaptureFixture[str]) -> None:
    target = folder / path
    target.write_text(target.read_text(encoding="utf-8") + "\n", encoding="utf-8")

    assert main(["--check", "--to", str(folder)]) == 1
    assert f"stale: {target}\n" in capsys.readouterr().out


def test_a_copy_that_is_missing_or_too_many_is_stale(folder: Path) -> None:
    (folder / "schemas" / "case.created.v1.json").rename(folder / "schemas" / "case.created.v0.json")

    assert stale(folder, documents(CATALOGUE)) == ["schemas/case.created.v0.json", "schemas/case.created.v1.json"]
    assert main(["--to", str(folder)]) == 0
    assert stale(folder, documents(CATALOGUE)) == []


def test_the_command_fails_on_a_stale_copy(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "shared.events.generate", "--check", "--to", str(tmp_path)]

    done = subprocess.run(command, cwd=FOLDER.parents[2], capture_output=True, text=True, check=False)

    assert done.returncode == 1
    assert "README.md" in done.stdout


@every_event
def test_every_schema_is_a_json_schema_that_its_example_fits(declared: EventType) -> None:
    schema = orjson.loads((FOLDER / f"schemas/{declared.type}.v{declared.version}.json").read_bytes())

    Draft202012Validator.check_schema(schema)
    Draft202012Validator(schema).validate(declared.example)
    assert schema["$id"] == f"urn:niangjia:event:{declared.type}:{declared.version}"


@every_event
def test_every_object_of_a_schema_is_closed_and_every_text_bound(declared: EventType) -> None:
    for schema in subschemas(json_schema(declared)):
        match schema.get("type"):
            case "object":
                assert schema["additionalProperties"] is False
                assert set(schema["required"]) <= set(schema["properties"])
            case "string":
                assert schema.keys() & {"enum", "pattern"}, schema
            case ["string", "null"]:
                assert None in schema["enum"] if "enum" in schema else "pattern" in schema
            case "integer":
                assert {"minimum", "maximum"} <= schema.keys()


def subschemas(schema: dict[str, Any]) -> list[dict[str, Any]]:
    """Return a schema and every schema in it."""
    inner = [*schema.get("properties", {}).values(), *schema.get("$defs", {}).values()]
    if "items" in schema:
        inner.append(schema["items"])
    return [schema, *(found for each in inner for found in subschemas(each))]


@settings(max_examples=400)
@given(mutations())
def test_a_json_schema_accepts_what_may_be_published_and_nothing_else(case: tuple[EventType, dict[str, Any]]) -> None:
    declared, data = case

    assert VALIDATORS[declared.type].is_valid(data) == CHECKERS[declared.type].accepts(data, strict=True)


@every_event
def test_the_reference_names_every_event_and_field(declared: EventType) -> None:
    text = (FOLDER / "README.md").read_text(encoding="utf-8")
    _, _, section = text.partition(f"\n### {declared.type}\n")

    assert declared.about in section
    assert f"(schemas/{declared.type}.v{declared.version}.json)" in section
    for name in declared.schema().fields:
        assert f"| `{name}` |" in section
