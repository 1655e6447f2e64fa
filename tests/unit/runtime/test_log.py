"""A log line says what happened and where; never what somebody told us."""

import json
import logging
from collections.abc import Iterator

import pytest
import structlog

from shared.runtime import log

SECRET = "李四 13800000002"


@pytest.fixture(autouse=True)
def _restored() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:], root.level = handlers, level
    structlog.reset_defaults()


def lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, object]]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def fail() -> None:
    narrative = SECRET
    raise KeyError(narrative)


def test_a_line_is_a_json_object_with_the_name_of_the_service(capsys: pytest.CaptureFixture[str]) -> None:
    log.configure("intake", "info")
    structlog.get_logger("x").info("stored", action="commit", cases=3)

    (line,) = lines(capsys)
    assert (line["service"], line["action"], line["event"], line["level"]) == ("intake", "commit", "stored", "info")
    assert line["cases"] == 3


def test_an_error_is_told_by_its_kind_and_place_only(capsys: pytest.CaptureFixture[str]) -> None:
    log.configure("intake", "info")
    for logger in (structlog.get_logger("x"), logging.getLogger("some.library")):
        try:
            fail()
        except KeyError as error:
            logger.exception("failed")
            logger.log(logging.ERROR, "failed", exc_info=error)

    told = lines(capsys)
    assert len(told) == 4
    assert {line["exception"] for line in told} == {"KeyError"}
    assert all("fail" in str(line["raised"]) for line in told)
    assert SECRET not in json.dumps(told, ensure_ascii=False)


def test_what_is_less_than_the_level_is_not_logged(capsys: pytest.CaptureFixture[str]) -> None:
    log.configure("intake", "warning")
    structlog.get_logger("y").info("stored", action="commit")
    logging.getLogger("some.library").info("hello")

    assert lines(capsys) == []
