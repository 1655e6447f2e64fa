"""What is generated is what is checked in."""

import re
from pathlib import Path

from deploy.reference import ROOT, documents, main, stale
from shared.runtime.variables import VARIABLES

_READ = re.compile(r"""["'](NIANGJIA_[A-Z_]+|AMQP_URI|MONGO_URI)["']""")
#: Set by the stack for its own processes; no setting of an operator.
_OWN = {"NIANGJIA_STACK_OF", "NIANGJIA_BUILD"}


def test_no_generated_file_is_stale() -> None:
    assert stale() == [], "run `make reference`"
    assert main(["--check"]) == 0


def test_the_example_holds_every_setting_once_and_no_other() -> None:
    written = re.findall(r"^#([A-Z_]+)=", documents()[".env.example"], re.MULTILINE)

    assert written == [variable.name for variable in VARIABLES]


def test_every_setting_that_the_code_reads_is_in_the_table() -> None:
    folders = [ROOT / name for name in ("deploy", "services", "shared")]
    read = {name for folder in folders for path in folder.rglob("*.py") for name in _READ.findall(_text(path))}

    files = {f"{variable.name}_FILE" for variable in VARIABLES if variable.secret}
    assert read - _OWN - files <= {variable.name for variable in VARIABLES}


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8")
