"""Intake and those who act on it: whatever is stored goes afterwards."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.system import System

SERVICES = ("intake", "referral", "volunteer", "notification")


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    folder: Path = tmp_path_factory.mktemp("house")
    with System(folder, services={name: f"services.{name}.service" for name in SERVICES}) as system:
        system.start_all()
        yield system
