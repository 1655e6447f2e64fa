"""A whole system in a home folder of its own, whose processes a test may kill."""

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import Any, Self

import requests
from pymongo import MongoClient
from pymongo.database import Database

from deploy.home import Home
from deploy.services import trouble
from deploy.supervisor import Supervisor
from shared.runtime.auth import Bearer, Role, issue
from shared.runtime.settings import database_name
from tests.support.system import wait_until

ROOT = Path(__file__).parents[2]
COMING_BACK_SECONDS = 60


class Installation:
    """Broker, database and services, started by the command line and watched over by their process manager.

    Args:
        folder: their home.
        variables: of their environment.
    """

    def __init__(self, folder: Path, **variables: str) -> None:
        self.home = Home.at(folder)
        self._variables = variables
        self._manager = Supervisor(self.home)

    def __enter__(self) -> Self:
        self.niangjia("up")
        self._mongo: MongoClient[dict[str, Any]] = MongoClient(self.home.mongo_uri, tz_aware=True)
        return self

    def __exit__(self, *_: object) -> None:
        self._mongo.close()
        self.niangjia("down")

    def niangjia(self, *arguments: str, code: int = 0) -> str:
        """Run a command that must end with `code`, and return what it printed."""
        ended = subprocess.run(
            [sys.executable, "-m", "deploy.cli", "--home", str(self.home.root), *arguments],
            cwd=tempfile.gettempdir(),
            # nothing of the environment of the tests: it may name another broker
            env={"PATH": os.environ["PATH"], "HOME": str(Path.home()), "PYTHONPATH": str(ROOT), **self._variables},
            capture_output=True,
            text=True,
            timeout=240,
            check=False,
        )
        assert ended.returncode == code, ended.stdout + ended.stderr
        return ended.stdout

    def status(self) -> dict[str, Any]:
        return dict(json.loads(self.niangjia("status", "--json")))

    def pid(self, part: str) -> int | None:
        """Return the process of a service, the `broker` or the `database`; None while it is being started."""
        return self._manager.processes()[part].pid

    def kill(self, part: str) -> None:
        """End a part at once, without a warning; the process manager starts it again."""
        if pid := self.pid(part):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def freeze(self, part: str, seconds: float) -> None:
        """Let a part hang: it neither answers nor goes away."""
        if pid := self.pid(part):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGSTOP)
                time.sleep(seconds)
                os.kill(pid, signal.SIGCONT)

    def is_well(self) -> bool:
        return not any(trouble(self.home, url) for url in self.home.service_urls().values())

    def wait_until_well(self) -> None:
        """Return when every service says that it is well."""
        wait_until(self.is_well, "all services to be well", COMING_BACK_SECONDS)

    def drain(self) -> None:
        """Return when everything that was caused has finished."""
        self.niangjia("drain", "--timeout", "120")

    def database(self, service: str) -> Database[dict[str, Any]]:
        return self._mongo[database_name(service)]

    def caller(self, role: Role) -> requests.Session:
        """Return a session with a token."""
        session = requests.Session()
        session.trust_env = False
        token = issue(self.home.key("token"), Bearer(name="test", role=role), 3600)
        session.headers["Authorization"] = f"Bearer {token}"
        return session
