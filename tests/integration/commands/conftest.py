"""A city with the sample week in it, put in by the command line."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from deploy.sample import WEEK
from tests.support.system import System

#: Line of `reports.jsonl` that gives a known key another content, on purpose.
CONFLICT = 65


def done(ended: "subprocess.CompletedProcess[str]") -> str:
    """Return what a command printed that must have gone well."""
    assert ended.returncode == 0, ended.stderr + ended.stdout
    return ended.stdout


def objects(text: str) -> list[dict[str, Any]]:
    """Return the JSON objects of a text, one a line."""
    return [json.loads(line) for line in text.splitlines()]


def objects_in(path: Path) -> list[dict[str, Any]]:
    """Return the JSON objects of a file, one a line."""
    return objects(path.read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def week(city: System) -> System:
    """The city once the sample week has gone through it."""
    done(city.niangjia("volunteers", "import", str(WEEK / "volunteers.jsonl")))
    put_in = city.niangjia("ingest", str(WEEK / "earlier.jsonl"), str(WEEK / "reports.jsonl"))
    assert put_in.returncode == 1, put_in.stderr
    done(city.niangjia("drain", "--timeout", "60"))
    return city
