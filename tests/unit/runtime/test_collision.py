"""What the database says is told apart: try again at once, try again later, or look for the message at fault."""

import pytest
from pymongo.errors import (
    AutoReconnect,
    BulkWriteError,
    DuplicateKeyError,
    NetworkTimeout,
    NotPrimaryError,
    OperationFailure,
    PyMongoError,
    ServerSelectionTimeoutError,
)

from shared.runtime.collision import collision
from shared.runtime.database import is_away

TRANSIENT, UNKNOWN = "TransientTransactionError", "UnknownTransactionCommitResult"


def labelled(error: PyMongoError, *labels: str) -> PyMongoError:
    for label in labels:
        error._add_error_label(label)
    return error


def failure(code: int, *labels: str) -> PyMongoError:
    return labelled(OperationFailure("…", code), *labels)


def duplicate(index: str, code: int = 11_000) -> BulkWriteError:
    said = f"E11000 duplicate key error collection: niangjia_t1_intake.{index} dup key: {{ : 1 }}"
    return BulkWriteError({"writeErrors": [{"code": code, "errmsg": said}]})


@pytest.mark.parametrize(
    "error",
    [
        failure(112, TRANSIENT),  # WriteConflict
        failure(251, TRANSIENT),  # NoSuchTransaction
        failure(24, TRANSIENT),  # LockTimeout
        failure(246),  # SnapshotUnavailable: outside a transaction it bears no label
        failure(239),  # SnapshotTooOld
        labelled(AutoReconnect("connection closed"), TRANSIENT),
        duplicate("journal index: _id_"),
    ],
)
def test_another_was_faster(error: PyMongoError) -> None:
    found = collision(error)

    assert found is not None
    assert not found.doubted


@pytest.mark.parametrize(
    "error",
    [duplicate("journal index: cause_1"), duplicate("inbox index: _id_"), DuplicateKeyError("…", 11_000)],
)
def test_something_was_there_that_may_be_there_again(error: PyMongoError) -> None:
    found = collision(error)

    assert found is not None
    assert found.doubted


@pytest.mark.parametrize(
    "error",
    [
        labelled(ServerSelectionTimeoutError("…"), TRANSIENT),
        labelled(NetworkTimeout("…"), TRANSIENT),
        labelled(NotPrimaryError("…"), TRANSIENT),
        failure(91, TRANSIENT),  # ShutdownInProgress
        failure(11602, TRANSIENT),  # InterruptedDueToReplStateChange
        labelled(AutoReconnect("…"), UNKNOWN, "RetryableWriteError"),
        failure(50, UNKNOWN),
    ],
)
def test_the_database_is_away(error: PyMongoError) -> None:
    assert collision(error) is None
    assert is_away(error)


@pytest.mark.parametrize("error", [failure(2), failure(13), failure(66), duplicate("case index: _id_", code=121)])
def test_anything_else_is_looked_for_in_the_messages(error: PyMongoError) -> None:
    assert collision(error) is None
    assert not is_away(error)
