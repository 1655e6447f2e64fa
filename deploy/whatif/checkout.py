"""Another version of the code: a checkout plays the same period in a process of its own."""

import os
import subprocess
import sys
from collections.abc import Iterable
from io import BytesIO
from pathlib import Path
from typing import Final

import msgspec

from deploy.problem import Problem
from deploy.whatif.outcome import Outcome
from deploy.whatif.period import Period
from shared.replay.recording import Line, write_lines

_MODULE: Final = "deploy.whatif"


def play_elsewhere(
    code: Path, lines: Iterable[Line], period: Period, rules: Path | None, before: Path | None
) -> Outcome:
    """Return what comes of a period in another checkout: its models, its shipped rules, its catalogue.

    The process gets the lines by a pipe. It knows no broker, no database and no key.

    Raises:
        Problem: there is no checkout that can do it, or it failed.
    """
    if not (code / "deploy" / "whatif" / "__main__.py").is_file():
        raise Problem(f"{code} holds no code that can play a period", "name a checkout with deploy/whatif", exit_code=2)
    own = code / ".venv" / "bin" / "python"
    folders = [str(folder.absolute()) if folder else "" for folder in (rules, before)]
    told = BytesIO()
    write_lines(told, lines)
    ended = subprocess.run(  # noqa: S603  it runs the code that a person named
        [str(own) if own.exists() else sys.executable, "-m", _MODULE, str(period), *folders],
        cwd=code,
        env={"PATH": os.environ.get("PATH", ""), "PYTHONPATH": str(code.absolute()), "PYTHONUTF8": "1"},
        input=told.getvalue(),
        capture_output=True,
        check=False,
    )
    try:
        if ended.returncode == 0:
            return msgspec.json.decode(ended.stdout, type=Outcome)
    except msgspec.DecodeError:
        pass
    # Its last line says what went wrong; as it comes from another version it is not repeated here.
    raise Problem(f"the code in {code} could not play the period", f"try `python -m {_MODULE}` there with a recording")
