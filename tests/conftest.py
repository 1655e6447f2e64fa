"""What all tests share: `--live` is on where there are engines."""

import os
from collections.abc import Iterator

import pytest
from hypothesis import settings

from shared.replay.replay import SetStage

# a slow moment of the machine is no fault
settings.register_profile("patient", settings.default, deadline=None)
settings.load_profile("patient")


def pytest_configure(config: pytest.Config) -> None:
    """Replay live where there is a broker and a database: `make test` sets AMQP_URI and MONGO_URI."""
    if os.environ.get("AMQP_URI") and os.environ.get("MONGO_URI"):
        config.option.live = True


@pytest.fixture
def replay_stage() -> Iterator[SetStage]:
    """Real processes, in a namespace of their own."""
    from tests.support.stage import stages

    with stages() as set_stage:
        yield set_stage
