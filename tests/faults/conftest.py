"""One system for all storms: what one leaves behind, the next finds."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from shared.runtime.auth import Role
from tests.faults.installation import Installation
from tests.faults.senders import WEEK
from tests.faults.spy import Spy


@pytest.fixture(scope="session")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    folder: Path = tmp_path_factory.mktemp("storm")
    # agencies are called on this machine, and again soon
    variables = {"NIANGJIA_WEBHOOK_PRIVATE": "127.0.0.0/8", "NIANGJIA_WEBHOOK_DELAYS": ",".join(["1"] * 60)}
    with Installation(folder, **variables) as installed:
        yield installed


@pytest.fixture(scope="session")
def spy(installation: Installation) -> Iterator[Spy]:
    with Spy(installation.home.amqp_uri) as spy:
        yield spy


@pytest.fixture(scope="session", autouse=True)
def _volunteers(installation: Installation, spy: Spy) -> None:
    """Registered when the spy listens already."""
    session = installation.caller(Role.COORDINATOR)
    url = f"{installation.home.service_url('volunteer')}/volunteers/batch"
    answer = session.post(url, data=(WEEK / "volunteers.jsonl").read_bytes(), timeout=60)
    assert answer.ok
    session.close()
