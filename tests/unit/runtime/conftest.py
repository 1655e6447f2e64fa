"""eventlet and nameko warn when they are imported; here warnings are errors."""

import warnings
from pathlib import Path

import pytest

from tests.support.certificate import make_certificate

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import eventlet  # noqa: F401
    import nameko.containers  # noqa: F401


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a certificate and its key."""
    return make_certificate(tmp_path_factory.mktemp("tls"))
