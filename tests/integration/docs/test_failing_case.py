"""What the how-to for failing cases says is what happens: from a dead letter to a test that fails, and passes."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from shared.runtime.auth import Role
from shared.runtime.variables import SERVICES
from tests.support.system import ROOT, System, wait_until

PAGE = ROOT / "docs" / "how-to" / "turn-a-failing-case-into-a-test.md"
REPORT = {
    "report_key": "failing-case",
    "channel": "hotline_12338",
    "received_at": "2026-03-02T09:14:00+08:00",
    "district": "330302004012",
    "reporter": {"role": "self", "name": "施某某", "phone": "13800001021"},
    "client": {"birth_date": "1992-09-14", "address": "某街道某弄12号"},
    "category": "labour_rights",
    "narrative": "公司在她怀孕后把她辞退了。",
}


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    services = {name: f"services.{name}.service" for name in SERVICES}
    services["referral"] = "tests.integration.docs.faulty_referral"
    with System(tmp_path_factory.mktemp("failing"), services=services) as system:
        system.start_all()
        yield system


def printed(language: str, word: str) -> str:
    """Return the block of the page in which a word stands."""
    blocks = re.findall(rf"```{language}\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    (found,) = [text for text in blocks if word in text]
    return str(found)


def run(suite: Path, *arguments: str) -> str:
    """Run the suite as the page says; return what pytest says."""
    environment = {name: value for name, value in os.environ.items() if name not in {"CI", "AMQP_URI", "MONGO_URI"}}
    command = [sys.executable, "-m", "pytest", "-p", "no:pytest_nameko", "tests/acceptance/test_cases.py", *arguments]
    ended = subprocess.run(
        command,
        cwd=suite,
        env={**environment, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    return ended.stdout + ended.stderr


def test_a_dead_letter_becomes_a_test(system: System, tmp_path: Path) -> None:
    system.client(Role.OPERATOR).post("intake", "/reports", json=REPORT).raise_for_status()

    # 1. find the case
    def dead() -> list[dict[str, str]]:
        return list(json.loads(system.niangjia("dead-letters", "list", "--json").stdout))

    wait_until(dead, "a dead letter", 60)
    (letter,) = dead()
    # from Python 3.12 on a comprehension is no function of its own
    assert re.match(r"KeyError in FaultyModel\.decide(\.<locals>\.<listcomp>)?:", letter["reason"])

    # 2. record it
    (tmp_path / "tests" / "streams" / "cases").mkdir(parents=True)
    (tmp_path / "tests" / "acceptance").mkdir()
    (line,) = [line for line in printed("", "niangjia record").splitlines() if "niangjia record" in line]
    arguments = [str(tmp_path / word) if word.startswith("tests/") else word for word in line.split()[1:]]
    arguments[arguments.index("--case") + 1] = letter["case"]
    recorded = system.niangjia(*arguments)
    assert recorded.returncode == 0, recorded.stderr
    (stream,) = (tmp_path / "tests" / "streams" / "cases").iterdir()
    assert not [
        word for word in ("施某某", "13800001021", "某街道", "怀孕") if word in stream.read_text(encoding="utf-8")
    ]

    # 3. write the test
    test = tmp_path / "tests" / "acceptance" / "test_cases.py"
    text = printed("python", "def test_")
    test.write_text(
        text.replace("services.referral.model import", "tests.integration.docs.faulty_referral import FaultyModel as")
    )

    # 4. see it fail where it failed in production
    failed = run(tmp_path)
    number = letter["reason"].rpartition(":")[2]
    assert re.search(
        rf"no_agency\.ndjson:\d+: report\.received \S+: KeyError in FaultyModel\.decide\S*:{number}", failed
    )

    # 5. repair, write down what comes out now, and keep it
    test.write_text(text)
    assert "tests/streams/cases/no_agency.referral.ndjson" in run(tmp_path, "--accept")
    golden = tmp_path / "tests" / "streams" / "cases" / "no_agency.referral.ndjson"
    assert '"agency":"human_resources"' in golden.read_text(encoding="utf-8")
    assert "1 passed" in run(tmp_path)

    golden.write_text(golden.read_text(encoding="utf-8").replace("human_resources", "court"), encoding="utf-8")
    assert 'data.agency: expected "court", found "human_resources"' in run(tmp_path)
