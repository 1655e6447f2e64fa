"""A database of a test's own."""

import os
import secrets
import warnings
from collections.abc import Iterator

import pytest
from pymongo.database import Database

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # eventlet and nameko warn when they are imported
    import eventlet  # noqa: F401  what the runtime waits with
    import nameko.extensions  # noqa: F401

    from shared.runtime.database import Document, connect


@pytest.fixture
def database() -> Iterator[Database[Document]]:
    """An empty database."""
    database = connect(os.environ["MONGO_URI"], f"niangjia_t{secrets.token_hex(4)}_feed")
    yield database
    database.client.drop_database(database.name)
    database.client.close()
