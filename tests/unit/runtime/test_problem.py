"""What a client is told of an error, and what it is not told."""

import json

import pytest
from pymongo.errors import OperationFailure, ServerSelectionTimeoutError

from shared.kernel import Conflict, NotFound, Refused
from shared.runtime.auth import Unauthorised
from shared.runtime.problem import RETRY_AFTER, Fault, Forbidden, Invalid, problem
from shared.runtime.unavailable import Unavailable


@pytest.mark.parametrize(
    ("error", "status", "slug"),
    [
        (Invalid([Fault("name", "is missing")]), 422, "invalid-input"),
        (Refused("closed", "The case is closed."), 422, "closed"),
        (NotFound("case-unknown", "There is no such case."), 404, "case-unknown"),
        (Conflict("key-taken", "Another has this key."), 409, "key-taken"),
        (Unauthorised("send a token"), 401, "unauthorised"),
        (Forbidden("your role may not"), 403, "forbidden"),
        (Unavailable("the database is away"), 503, "unavailable"),
        (ServerSelectionTimeoutError("mongodb://…"), 503, "unavailable"),
        (OperationFailure("$where"), 500, "internal-error"),
        (KeyError("李四"), 500, "internal-error"),
    ],
)
def test_every_kind_of_error_has_its_status(error: Exception, status: int, slug: str) -> None:
    document = problem(error).document()

    assert (document["status"], document["type"]) == (status, f"urn:niangjia:problem:{slug}")
    assert set(document) >= {"type", "title", "status", "detail"}


def test_of_a_bug_only_is_told_that_there_was_one() -> None:
    assert "李四" not in problem(KeyError("李四")).body().decode()


def test_who_meets_something_away_is_told_when_to_come_again() -> None:
    told = problem(Unavailable("the database is away"))

    assert told.headers == {"Retry-After": str(RETRY_AFTER)}
    assert "it will not count twice" in told.detail


def test_each_wrong_field_is_named() -> None:
    told = problem(Invalid([Fault("client.name", "must be a text"), Fault("district", "is missing")]))

    assert json.loads(told.body())["errors"] == [
        {"field": "client.name", "reason": "must be a text"},
        {"field": "district", "reason": "is missing"},
    ]


def test_a_field_that_cannot_be_written_is_named_all_the_same() -> None:
    told = problem(Invalid([Fault("\ud800\x1b[31m", "is not a field")]))

    assert json.loads(told.body())["errors"][0]["field"].endswith("[31m")
    assert "\x1b" not in told.body().decode()
