"""Real broker, real database, real processes: `make test` sets AMQP_URI and MONGO_URI."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.system import System


@pytest.fixture(scope="session", autouse=True)
def _engines() -> None:
    """Skip where there is no broker or database; where everything must run, that is a failure."""
    missing = [name for name in ("AMQP_URI", "MONGO_URI") if not os.environ.get(name)]
    if missing:
        said = f"{' and '.join(missing)} not set: run `make test`"
        pytest.fail(said) if os.environ.get("CI") else pytest.skip(said)


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """All services, in a namespace of this module's own; whatever is stored goes afterwards."""
    folder: Path = tmp_path_factory.mktemp("city")
    with System(folder) as system:
        system.start_all()
        yield system
