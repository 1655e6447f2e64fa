"""What agencies' developers read is what is agreed now, and programs can read it."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from deploy import reference
from deploy.feed_reference import contracts, documents
from services.feed.asyncapi import asyncapi
from services.feed.contract import Contract

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "docs" / "reference" / "feeds"

pytestmark = pytest.mark.timeout(900)

Validate = Callable[[Path], "subprocess.CompletedProcess[str]"]


def test_the_pages_are_what_would_be_written_now_and_no_other_page_is_there() -> None:
    found = {file.relative_to(ROOT).as_posix() for file in FOLDER.iterdir()}

    assert found == set(documents())
    assert [path for path in reference.stale() if path.startswith("docs/reference/feeds/")] == []


@pytest.mark.parametrize("contract", contracts(), ids=lambda contract: contract.agency.kind)
def test_the_official_parser_reads_each_contract(validated: Validate, contract: Contract) -> None:
    kind = contract.agency.kind
    done = validated(FOLDER / f"{kind}.asyncapi.yaml")

    assert done.returncode == 0, done.stderr
    parsed = json.loads(done.stdout)
    offers = contract.offers
    assert set(parsed["messages"]) == {*(offer.type for offer in offers), "page", "receipt"}
    assert set(parsed["operations"]) == {"readStream", "readEvents", "readPages", "beCalled", "sendReceipt"}
    assert f"feed.{kind}" in parsed["channels"]


def test_the_parser_finds_a_schema_that_is_not_there(validated: Validate, tmp_path: Path) -> None:
    document = asyncapi(contracts()[0])
    message = next(iter(document["components"]["messages"].values()))
    message["payload"] = {"$ref": "#/components/schemas/nowhere"}
    spoilt = tmp_path / "spoilt.yaml"
    spoilt.write_text(yaml.safe_dump(document, allow_unicode=True), encoding="utf-8")

    assert validated(spoilt).returncode == 1
