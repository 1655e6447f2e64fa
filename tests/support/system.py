"""A system of real processes for tests: services on free ports, in a namespace of their own, on a real broker."""

import json
import os
import random
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from functools import cached_property
from itertools import cycle
from pathlib import Path
from typing import Any, Self

import requests
from kombu import Connection
from pymongo import MongoClient
from pymongo.database import Database

from shared.events import listeners_of
from shared.runtime.auth import Bearer, Role, issue
from shared.runtime.settings import Settings, database_name
from shared.runtime.variables import SERVICES

ROOT = Path(__file__).resolve().parents[2]
STARTING_SECONDS = 60
STOPPING_SECONDS = 30

#: Short, so that a parked event is tried again while a test looks.
RETRY_DELAYS = "0.2,0.2,0.2"

#: In an order of each process's own. Below the ports that the kernel gives to callers and to who asks for any, and
#: below those of `deploy.ports`: a service that starts late, or again, still finds its port free.
_PORTS = cycle(random.sample(range(10_000, 20_000), 10_000))


class System:
    """The services of one test, and where they keep what they store.

    Args:
        folder: for secrets, logs and outbox.
        namespace: begins the names of databases, exchanges and queues; a random one when it is empty.
        ports: of the services; free ones where none is given.
        services: the module of each service, by its name.
        variables: of the environment of every service, besides those that follow from the rest.
    """

    def __init__(
        self,
        folder: Path,
        namespace: str = "",
        ports: Mapping[str, int] | None = None,
        *,
        services: Mapping[str, str] | None = None,
        variables: Mapping[str, str] | None = None,
    ) -> None:
        self.folder = folder
        self.namespace = namespace or f"t{secrets.token_hex(4)}"
        self.modules = dict(services or {name: f"services.{name}.service" for name in SERVICES})
        self.ports = {name: (ports or {}).get(name) or free_port() for name in self.modules}
        self._variables = dict(variables or {})
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        self._clients: list[Client] = []
        self._make_keys()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop_all()
        self.forget()

    @property
    def keys(self) -> Path:
        """The folder of the three keys."""
        return self.folder / "secrets"

    @property
    def outbox(self) -> Path:
        """Where notices go."""
        return self.folder / "outbox"

    @property
    def amqp_uri(self) -> str:
        return os.environ["AMQP_URI"]

    @property
    def mongo_uri(self) -> str:
        return os.environ["MONGO_URI"]

    def environment(self, service: str = "", **variables: str) -> dict[str, str]:
        """Return the environment of a service, or (without one) of the command line beside the system."""
        own = {
            "AMQP_URI": self.amqp_uri,
            "MONGO_URI": self.mongo_uri,
            "NIANGJIA_HOME": str(self.folder),
            "NIANGJIA_SECRETS": str(self.keys),
            "NIANGJIA_OUTBOX": str(self.outbox),
            "NIANGJIA_NAMESPACE": self.namespace,
            "NIANGJIA_RETRY_DELAYS": RETRY_DELAYS,
            "EVENTLET_NO_GREENDNS": "yes",
            "PYTHONPATH": str(ROOT),
            "PYTHONUNBUFFERED": "1",
        }
        if api := os.environ.get("NIANGJIA_BROKER_API"):
            own["NIANGJIA_BROKER_API"] = api
        own |= {f"NIANGJIA_{name.upper()}_URL": self.url(name) for name in self.modules}
        if service:
            own["NIANGJIA_HTTP_PORT"] = str(self.ports[service])
        inherited = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith("NIANGJIA_") and name not in {"AMQP_URI_FILE", "MONGO_URI_FILE"}
        }
        return {**inherited, **own, **self._variables, **variables}

    def start(self, service: str, *, wait: bool = True, **variables: str) -> None:
        """Start a service; return when it is well (or at once, unless `wait`)."""
        command = [sys.executable, "-m", "shared.runtime.run", self.modules[service]]
        with self.log_file(service).open("ab") as log:
            self._processes[service] = subprocess.Popen(
                command,
                cwd=self.folder,
                env=self.environment(service, **variables),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        if wait:
            self.wait_until_well(service)

    def start_all(self) -> None:
        """Start every service; return when all are well."""
        for service in self.modules:
            self.start(service, wait=False)
        self.wait_until_well(*self.modules)

    def kill(self, service: str, number: int = signal.SIGKILL) -> int:
        """Send a signal that ends the service; return its exit code once it is gone."""
        process = self._processes.pop(service)
        process.send_signal(number)
        return _ended(process)

    def stop_all(self) -> None:
        """Ask all services to end, and return when they have."""
        processes, self._processes = self._processes, {}
        for process in processes.values():
            process.terminate()
        for process in processes.values():
            _ended(process)
        for client in self._clients:
            client.close()

    def pid(self, service: str) -> int:
        return self._processes[service].pid

    def is_running(self, service: str) -> bool:
        return service in self._processes and self._processes[service].poll() is None

    def url(self, service: str) -> str:
        return f"http://127.0.0.1:{self.ports[service]}"

    def log_file(self, service: str) -> Path:
        return self.folder / f"{service}.log"

    def token(self, role: Role, district: str = "") -> str:
        key = bytes.fromhex((self.keys / "token.key").read_text())
        own = "k00000000" if role is Role.AGENCY else ""
        return issue(key, Bearer(name=f"test {role}", role=role, district=district, key=own), 3600)

    def client(self, role: Role, district: str = "") -> "Client":
        """Return who may call every service in a role; `stop_all` closes it."""
        self._clients.append(Client(self, self.token(role, district)))
        return self._clients[-1]

    def settings(self, service: str) -> Settings:
        """Return the settings with which a service runs, as a test needs them that looks into its stores."""
        return Settings(
            service=service,
            amqp_uri=self.amqp_uri,
            mongo_uri=self.mongo_uri,
            secrets=self.keys,
            namespace=self.namespace,
            http_port=self.ports[service],
            outbox=str(self.outbox),
        )

    def database(self, service: str) -> Database[dict[str, Any]]:
        """Return the database of a service."""
        return self._mongo[database_name(service, self.namespace)]

    def niangjia(self, *arguments: str, stdin: str = "", **variables: str) -> "subprocess.CompletedProcess[str]":
        """Run a command of the command line beside the system and return how it ended."""
        return subprocess.run(
            [sys.executable, "-m", "deploy.cli", *arguments],
            cwd=self.folder,
            env=self.environment(**variables),
            input=stdin,
            capture_output=True,
            text=True,
            timeout=240,
            check=False,
        )

    def wait_until_well(self, *services: str) -> None:
        """Return when the services say that they are well."""
        client = self.client(Role.ADMIN)
        for service in services:
            wait_until(lambda name=service: self._is_well(client, name), f"{service} to be well", STARTING_SECONDS)

    def forget(self) -> None:
        """Remove databases, queues and exchanges."""
        for service in self.modules:
            self._mongo.drop_database(database_name(service, self.namespace))
        self._mongo.close()
        del self._mongo
        settings = self.settings(next(iter(self.modules)))
        with Connection(self.amqp_uri) as connection:
            channel = connection.default_channel
            for source in SERVICES:
                for consumer in listeners_of(source):
                    channel.queue_delete(settings.queue(consumer, source))
                    channel.queue_delete(settings.unreadable(consumer))
                channel.exchange_delete(settings.exchange(source))
        self._forget_partners()

    def _forget_partners(self) -> None:
        """Remove the agencies' part of the broker."""
        api = os.environ.get("NIANGJIA_BROKER_API")
        if not api or "feed" not in self.modules:
            return
        with requests.Session() as session:
            session.trust_env = False
            session.delete(f"{api}/api/vhosts/{self.namespace}-partners", timeout=30)
            for user in session.get(f"{api}/api/users", timeout=30).json():
                if user["name"].startswith(f"{self.namespace}-agency-"):
                    session.delete(f"{api}/api/users/{user['name']}", timeout=30)

    def _is_well(self, client: "Client", service: str) -> bool:
        process = self._processes[service]
        if process.poll() is not None:
            tail = self.log_file(service).read_text(errors="replace")[-3000:]
            raise AssertionError(f"{service} ended with {process.returncode}:\n{tail}")
        try:
            return client.get(service, "/health", timeout=5).ok
        except requests.RequestException:
            return False

    def _make_keys(self) -> None:
        self.keys.mkdir(parents=True, exist_ok=True)
        for name in ("token", "master", "index"):
            file = self.keys / f"{name}.key"
            if not file.exists():
                file.write_text(secrets.token_hex(32))

    @cached_property
    def _mongo(self) -> MongoClient[dict[str, Any]]:
        return MongoClient(self.mongo_uri, tz_aware=True)


class Client:
    """Calls services with a token."""

    def __init__(self, system: System, token: str) -> None:
        self._system = system
        self._session = requests.Session()
        self._session.trust_env = False
        self._session.headers["Authorization"] = f"Bearer {token}"

    def get(self, service: str, path: str, **options: Any) -> requests.Response:
        return self._session.get(self._system.url(service) + path, timeout=options.pop("timeout", 60), **options)

    def post(self, service: str, path: str, **options: Any) -> requests.Response:
        return self._session.post(self._system.url(service) + path, timeout=options.pop("timeout", 60), **options)

    def delete(self, service: str, path: str, **options: Any) -> requests.Response:
        return self._session.delete(self._system.url(service) + path, timeout=options.pop("timeout", 60), **options)

    def post_lines(self, service: str, path: str, lines: Iterable[bytes]) -> Sequence[Mapping[str, Any]]:
        """Send NDJSON and return the answer of each line."""
        answer = self.post(service, path, data=b"\n".join(lines), headers={"Content-Type": "application/x-ndjson"})
        answer.raise_for_status()
        return [json.loads(line) for line in answer.text.splitlines()]

    def close(self) -> None:
        self._session.close()


def wait_until(ready: Callable[[], object], what: str, seconds: float = 30) -> None:
    """Return once `ready` gives something true; fail when that takes too long."""
    until = time.monotonic() + seconds
    while not ready():
        assert time.monotonic() < until, f"waited {seconds:g} s for {what}"
        time.sleep(0.05)


def free_port() -> int:
    """Return a port of this machine on which nobody listens, another one at each call."""
    while True:
        port = next(_PORTS)
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


def _ended(process: "subprocess.Popen[bytes]") -> int:
    try:
        return process.wait(STOPPING_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        return process.wait()
