"""The system of `docker-compose.yml` under a name of its own, as an operator handles it."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

from shared.runtime.variables import SERVICES
from tests.support.system import ROOT, free_port, wait_until

PROJECT = "niangjia-test"
IMAGE_TAG = "test"
ENGINES = ("broker", "database")
#: Containers that run once at every start.
ERRANDS = ("secrets", "replica-set")

# a file .env of whoever develops here is not meant
COMPOSE = ("compose", "--env-file", os.devnull, "--project-name", PROJECT)

#: The command line in a container of its own.
NIANGJIA = ("run", "--rm", "-T", "niangjia")
INGEST = (*NIANGJIA, "ingest", "/dev/stdin")
#: A script of the shell in the volume of secrets.
AS_SECRETS = ("run", "--rm", "-T", "--workdir", "/var/lib/niangjia/secrets", "--entrypoint", "sh", "secrets", "-c")

WELL_AGAIN_SECONDS = 180
COMMAND_SECONDS = 600


class Containers:
    """One system of containers, on free ports of this machine."""

    def __init__(self) -> None:
        ours = ("NIANGJIA_", "AMQP_", "MONGO_", "COMPOSE_")
        self._environment = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
        self._environment["NIANGJIA_IMAGE_TAG"] = IMAGE_TAG
        self._environment |= {f"NIANGJIA_{service.upper()}_PORT": str(free_port()) for service in SERVICES}
        self.partner_port = free_port()
        self._environment["NIANGJIA_PARTNER_PORT"] = str(self.partner_port)

    def up(self) -> None:
        """Bring the system up, as it is told to a newcomer."""
        ended = self.run(*COMPOSE, "up", "--wait")
        assert ended.returncode == 0, f"{ended.stderr[-2000:]}\n{self.compose('logs', '--no-color', '--tail', '15')}"

    def remove(self) -> None:
        """Leave nothing behind."""
        self.compose("--profile", "tools", "down", "--volumes", "--remove-orphans", "--timeout", "10")
        self.run("image", "rm", f"niangjia:{IMAGE_TAG}")

    def compose(self, *arguments: str, stdin: str = "") -> str:
        """Run `docker compose`, which must go well, and return what it printed."""
        return self.docker(*COMPOSE, *arguments, stdin=stdin)

    def docker(self, *arguments: str, stdin: str = "") -> str:
        """Run `docker`, which must go well, and return what it printed."""
        ended = self.run(*arguments, stdin=stdin)
        assert ended.returncode == 0, f"{arguments}:\n{ended.stdout[-4000:]}\n{ended.stderr[-4000:]}"
        return ended.stdout

    def run(self, *arguments: str, stdin: str = "") -> "subprocess.CompletedProcess[str]":
        """Run `docker` and return how it ended."""
        return subprocess.run(
            ["docker", *arguments],
            cwd=ROOT,
            env=self._environment,
            input=stdin,
            capture_output=True,
            text=True,
            timeout=COMMAND_SECONDS,
            check=False,
        )

    def niangjia(self, *arguments: str, stdin: str = "") -> str:
        """Run a command of the command line, which must go well, and return what it printed."""
        return self.compose(*NIANGJIA, *arguments, stdin=stdin)

    def outcomes(self) -> list[dict[str, Any]]:
        """Return what came of every report, once all has been done."""
        self.niangjia("drain", "--timeout", str(WELL_AGAIN_SECONDS))
        return [json.loads(line) for line in self.niangjia("outcomes").splitlines()]

    def within(self, service: str, script: str) -> str:
        """Run a script of the shell in a container that runs."""
        return self.compose("exec", "-T", service, "sh", "-c", script)

    def python(self, script: str) -> str:
        """Run a script in a container of its own that sees what the command line sees."""
        return self.compose("run", "--rm", "-T", "--entrypoint", "python", "niangjia", "-c", script)

    def secrets(self) -> dict[str, str]:
        """Return what every file of the volume of secrets holds."""
        script = (
            "import json, pathlib; print(json.dumps({f.name: f.read_text().strip() for f in pathlib.Path().iterdir()}))"
        )
        run = ("run", "--rm", "-T", "--workdir", "/var/lib/niangjia/secrets", "--entrypoint", "python", "secrets")
        return {name: text.strip() for name, text in json.loads(self.compose(*run, "-c", script)).items()}

    def inspect(self, service: str) -> dict[str, Any]:
        """Return what the engine tells about the container of a service."""
        container = self.compose("ps", "--all", "--quiet", service).strip()
        return dict(json.loads(self.docker("inspect", container))[0])

    def health(self, service: str) -> str:
        return str(self.inspect(service)["State"]["Health"]["Status"])

    def await_health(self, health: str, *services: str) -> None:
        """Return when all of the services are in a state of health."""
        for service in services:
            wait_until(lambda name=service: self.health(name) == health, f"{service}: {health}", WELL_AGAIN_SECONDS)

    def started(self, service: str) -> str:
        """Return when the container of a service was started the last time."""
        return str(self.inspect(service)["State"]["StartedAt"])

    def crash(self, service: str) -> None:
        """Kill everything in a container, and return when the engine has started it again."""
        before = self.started(service)
        # `docker kill` would count as a wish of the operator, after which nothing is started again
        self.run(*COMPOSE, "exec", "-T", service, "sh", "-c", "kill -9 -1")
        wait_until(lambda: self.started(service) != before, f"{service} to be started again", WELL_AGAIN_SECONDS)


def lines(path: Path) -> list[dict[str, Any]]:
    """Return the JSON objects of a file, one a line."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
