"""One system of containers for all tests, with the sample week in it."""

import json
from collections.abc import Iterator

import pytest

from tests.compose.containers import COMPOSE, INGEST, Containers
from tests.support.system import ROOT

WEEK = ROOT / "deploy" / "sample" / "week"


@pytest.fixture(scope="session")
def containers() -> Iterator[Containers]:
    """A system that was built here and is up."""
    system = Containers()
    system.remove()
    try:
        system.compose("build")
        system.up()
        yield system
    finally:
        system.remove()


@pytest.fixture(scope="session")
def week(containers: Containers) -> Containers:
    """The system after the sample week."""

    def content(name: str) -> str:
        return (WEEK / name).read_text(encoding="utf-8")

    containers.niangjia("volunteers", "import", "/dev/stdin", stdin=content("volunteers.jsonl"))
    containers.compose(*INGEST, stdin=content("earlier.jsonl"))
    # one key of the week is sent again with other content; the first stands
    told = containers.run(*COMPOSE, *INGEST, stdin=content("reports.jsonl"))
    assert told.returncode == 1, told.stderr
    (refused,) = (json.loads(line) for line in told.stderr.splitlines() if line.startswith("{"))
    assert (refused["field"], refused["status"]) == ("report_key", 409)
    return containers
