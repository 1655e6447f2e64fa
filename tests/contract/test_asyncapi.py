"""The AsyncAPI document stands before the official parser, not only before a copy of itself."""

import json
import subprocess
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
import yaml

from shared.events import CATALOGUE, listeners_of
from shared.events.asyncapi import asyncapi
from shared.events.generate import FOLDER

LOCK = Path(__file__).parent / "asyncapi" / "package-lock.json"

pytestmark = pytest.mark.timeout(900)

Validate = Callable[[Path], "subprocess.CompletedProcess[str]"]


def test_the_official_parser_finds_no_fault(validated: Validate) -> None:
    done = validated(FOLDER / "asyncapi.yaml")

    assert done.returncode == 0, done.stderr
    parsed = json.loads(done.stdout)
    assert parsed["version"] == "3.0.0"
    assert set(parsed["messages"]) == {declared.type for declared in CATALOGUE}
    assert set(parsed["channels"]) == {f"{declared.owner}.events" for declared in CATALOGUE}
    receiving = {f"{listener}.from.intake" for listener in listeners_of("intake")}
    assert receiving < set(parsed["operations"])


def without_channel_type(document: dict[str, Any]) -> None:
    document["channels"]["intake"]["bindings"]["amqp"]["exchange"]["type"] = "carrier pigeon"


def with_lost_reference(document: dict[str, Any]) -> None:
    document["channels"]["intake"]["messages"]["case.created"]["$ref"] = "#/components/messages/case.lost"


def with_foreign_message(document: dict[str, Any]) -> None:
    document["operations"]["intake.publishes"]["messages"] = [{"$ref": "#/channels/referral/messages/consent.needed"}]


def with_wrong_payload(document: dict[str, Any]) -> None:
    document["components"]["schemas"]["NoticeSent"]["type"] = "pigeon"


@pytest.mark.parametrize("spoil", [without_channel_type, with_lost_reference, with_foreign_message, with_wrong_payload])
def test_the_parser_finds_what_is_spoilt(validated: Validate, tmp_path: Path, spoil: Any) -> None:
    document = deepcopy(asyncapi(CATALOGUE))
    spoil(document)
    spoilt = tmp_path / "asyncapi.yaml"
    spoilt.write_text(yaml.safe_dump(document, allow_unicode=True), encoding="utf-8")

    done = validated(spoilt)

    assert done.returncode == 1, done.stdout
    assert done.stderr


def test_the_lock_file_pins_hashes_and_names_no_registry() -> None:
    packages = json.loads(LOCK.read_text(encoding="utf-8"))["packages"]

    for path, package in packages.items():
        assert "resolved" not in package, path
        assert path == "" or package["integrity"].startswith("sha512-"), path
