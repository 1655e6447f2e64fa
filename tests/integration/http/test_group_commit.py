"""Requests that come at the same moment share a transaction; what one does wrong is its own affair."""

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from shared.runtime.auth import Role
from tests.integration.runtime.toy import case
from tests.support.system import System

SOURCE = {"intake": "tests.integration.runtime.toy_source"}


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    folder: Path = tmp_path_factory.mktemp("source")
    with System(folder, services=SOURCE) as system:
        system.start_all()
        yield system


def transactions(system: System) -> int:
    figures = system.client(Role.ADMIN).get("intake", "/metrics").text
    found = re.search(r"^niangjia_commit_messages_count (\d+)", figures, re.MULTILINE)
    assert found
    return int(found[1])


def test_requests_share_transactions_and_harm_no_other(system: System) -> None:
    before = transactions(system)
    doings = {number: "refuse" if number % 10 == 3 else "fail" if number % 10 == 7 else "" for number in range(200)}

    def send(numbers: range) -> dict[int, int]:
        client = system.client(Role.OPERATOR)
        return {
            n: client.post("intake", "/notes", json={"case": f"c{n % 5}", "n": n, "do": doings[n]}).status_code
            for n in numbers
        }

    with ThreadPoolExecutor(20) as pool:
        answers = {
            n: status for part in pool.map(send, (range(k, 200, 20) for k in range(20))) for n, status in part.items()
        }

    assert answers == {n: {"refuse": 422, "fail": 500, "": 200}[do] for n, do in doings.items()}
    stored = {n for row in system.database("intake")["diary"].find() for n in row["state"]["taken"]}
    assert stored == {n for n, do in doings.items() if not do}
    assert transactions(system) - before < 150


def test_of_a_bug_nothing_is_told_but_its_place_in_the_log(system: System) -> None:
    answer = system.client(Role.OPERATOR).post("intake", "/notes", json={"case": "secret name", "n": 1, "do": "fail"})

    assert answer.status_code == 500
    assert answer.json()["type"] == "urn:niangjia:problem:internal-error"
    log = system.log_file("intake").read_text()
    assert "KeyError in Source.decide" in log
    assert case("secret name") not in answer.text
    assert case("secret name") not in log
