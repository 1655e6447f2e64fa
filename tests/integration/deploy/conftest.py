"""Systems in home folders of their own, started and stopped by the command line as a person would."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from deploy.home import Home
from deploy.leftovers import leftovers

ROOT = Path(__file__).parents[3]


class Installation:
    """A home folder and the command line for it; of the environment of the tests it sees nothing."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @property
    def home(self) -> Home:
        return Home.at(self.folder)

    def niangjia(self, *arguments: str, **variables: str) -> "subprocess.CompletedProcess[str]":
        """Run a command and return how it ended."""
        return subprocess.run(
            [sys.executable, "-m", "deploy.cli", "--home", str(self.folder), *arguments],
            cwd=tempfile.gettempdir(),
            env={"PATH": os.environ["PATH"], "HOME": str(Path.home()), "PYTHONPATH": str(ROOT), **variables},
            capture_output=True,
            text=True,
            timeout=240,
            check=False,
        )

    def done(self, *arguments: str, **variables: str) -> str:
        """Run a command that must go well and return what it printed."""
        ended = self.niangjia(*arguments, **variables)
        assert ended.returncode == 0, ended.stderr
        return ended.stdout

    def status(self) -> dict[str, Any]:
        return dict(json.loads(self.done("status", "--json")))

    def processes(self) -> list[int]:
        """Return the ids of everything that belongs to the system."""
        return leftovers(self.home)


@pytest.fixture(scope="session")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """A whole system: broker, database and all services."""
    installed = Installation(tmp_path_factory.mktemp("whole"))
    installed.done("up")
    yield installed
    installed.done("down")


@pytest.fixture
def another(tmp_path: Path) -> Iterator[Installation]:
    """A home in which nothing was started yet."""
    installed = Installation(tmp_path / "another")
    yield installed
    installed.done("down")
    assert installed.processes() == []
