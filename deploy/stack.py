"""The whole system without containers: brought up, looked at, taken down."""

import fcntl
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Protocol

from pymongo.errors import PyMongoError

from deploy import broker, database, services
from deploy.files import make_folder, write_private
from deploy.home import Home
from deploy.keys import ensure_keys
from deploy.leftovers import clear_leftovers
from deploy.logs import last_words
from deploy.ports import BROKER_PARTS, settle_ports
from deploy.problem import Problem
from deploy.program import Program
from deploy.supervisor import SERVICES_GROUP, Process, Supervisor


class Engine(Protocol):
    """What the modules of broker and database have in common."""

    NAME: str

    def local_uri(self, home: Home, ports: Mapping[str, int]) -> str:
        """Return the address of the one of the home folder."""

    def is_local(self, home: Home, uri: str) -> bool:
        """Say whether an address is that of the one of the home folder."""

    def prepare(self, home: Home, ports: Mapping[str, int]) -> Program:
        """Write its configuration and return its program."""

    def trouble(self, uri: str) -> str:
        """Say why it cannot be used; "" when it can."""


#: The variable that may name a broker or database somewhere else, and the module that starts an own one.
_ENGINES: Mapping[str, Engine] = {"AMQP_URI": broker, "MONGO_URI": database}
_POLL_SECONDS = 0.1
#: A part that dies this often before it settles will not come up by waiting longer.
_DEATHS = 3
#: RabbitMQ writes down which files belong to a new quorum queue only some time after it was made; a broker that is
#: killed before that never finds a leader for the queue again (rabbitmq-server issue 15725).
_NEW_QUEUES_SECONDS = 1.5

Report = Callable[[str], None]
ServicePrograms = Callable[[Home, Mapping[str, int]], Sequence[Program]]


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceStatus:
    """One service, seen from outside."""

    pid: int | None
    http: str
    #: Why it is not well; "" when it is.
    trouble: str

    @property
    def healthy(self) -> bool:
        """Whether it answers that it is well."""
        return not self.trouble


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """The system, seen from outside; a process id is None where the process is not one of the home folder's."""

    services: Mapping[str, ServiceStatus]
    amqp_uri: str
    mongo_uri: str
    broker_pid: int | None
    database_pid: int | None

    def as_json(self) -> dict[str, object]:
        """Return it in the form of `niangjia status --json`."""
        return {
            "services": {
                name: {"pid": service.pid, "http": service.http, "healthy": service.healthy}
                for name, service in self.services.items()
            },
            "amqp_uri": self.amqp_uri,
            "mongo_uri": self.mongo_uri,
            "broker_pid": self.broker_pid,
            "database_pid": self.database_pid,
        }


class Stack:
    """The system of one home folder."""

    def __init__(self, home: Home, service_programs: ServicePrograms = services.programs) -> None:
        self._home = home
        self._supervisor = Supervisor(home)
        self._service_programs = service_programs

    def up(self, *, with_services: bool = True, timeout: float = 120, report: Report = lambda _: None) -> None:
        """Start what is missing and return when all of it is well.

        Args:
            with_services: start the services too, not only broker and database.
            timeout: seconds that the whole may take.
            report: is told each step.

        Raises:
            Problem: something did not come up.
        """
        if strangers := self._home.strangers:
            found = ", ".join(strangers[:3])
            raise Problem(f"{self._home.root} holds other things ({found})", "set NIANGJIA_HOME to an empty folder")
        deadline = time.monotonic() + timeout
        with self._lock():
            is_new = not broker.has_data(self._home)
            ports = self._prepare(report)
            report("starting broker and database")
            self._supervisor.start()
            with ThreadPoolExecutor(2) as pool:
                # both are waited for at the same time; the first that fails is told
                list(pool.map(lambda name: self._await_engine(name, ports, deadline), _ENGINES))
            if with_services:
                report("starting services")
                self._start_services(ports, deadline)
            if with_services and is_new:
                time.sleep(_NEW_QUEUES_SECONDS)

    def down(self) -> bool:
        """Stop everything; tell whether anything ran."""
        if not self._home.ports:
            return False
        with self._lock():
            ran = self._home.pid is not None
            self._supervisor.stop()
            return bool(clear_leftovers(self._home)) or ran

    def status(self) -> Status:
        """Look at everything."""
        processes, urls = self._supervisor.processes(), self._home.service_urls()
        with ThreadPoolExecutor(len(urls)) as pool:
            troubles = pool.map(lambda url: services.trouble(self._home, url), urls.values())
        return Status(
            services={
                name: ServiceStatus(pid=_pid(processes, name), http=url, trouble=trouble)
                for (name, url), trouble in zip(urls.items(), troubles, strict=True)
            },
            amqp_uri=self._home.amqp_uri,
            mongo_uri=self._home.mongo_uri,
            broker_pid=_pid(processes, broker.NAME),
            database_pid=_pid(processes, database.NAME),
        )

    def _prepare(self, report: Report) -> Mapping[str, int]:
        home = self._home
        for folder in (home.etc, home.data, home.log, home.run, home.outbox):
            make_folder(folder)
        ensure_keys(home)
        if not home.pid and (cleared := clear_leftovers(home)):
            report(f"stopped {cleared} processes that an earlier system had left behind")
        running = [name for name, process in self._supervisor.processes().items() if process.is_up]
        ports = settle_ports(home, [*running, *(BROKER_PARTS if broker.NAME in running else ())])
        first = self._settle_engines(ports)
        self._supervisor.configure(first, self._service_programs(home, ports))
        return ports

    def _settle_engines(self, ports: Mapping[str, int]) -> list[Program]:
        """Remember where broker and database are; return the programs of those that are to be started here."""
        programs = []
        for name, engine in _ENGINES.items():
            uri = self._chosen(name) or engine.local_uri(self._home, ports)
            write_private(self._home.address_file(name), f"{uri}\n")
            if engine.is_local(self._home, uri):
                programs.append(engine.prepare(self._home, ports))
            elif engine is broker:
                broker.remember_management(self._home)
        return programs

    def _chosen(self, name: str) -> str:
        """Return the address of an engine somewhere else, or "" where one of the home folder is to run."""
        given, remembered = self._home.given(name), self._home.remembered(name)
        if self._home.pid and given and given != remembered:
            raise Problem(f"the system runs with another {name}", f"unset {name}, or run `niangjia down` first")
        uri = remembered if self._home.pid else given
        return "" if _ENGINES[name].is_local(self._home, uri) else uri

    def _await_engine(self, name: str, ports: Mapping[str, int], deadline: float) -> None:
        engine, uri = _ENGINES[name], self._home.remembered(name)
        local = engine.is_local(self._home, uri)

        def trouble() -> str:
            if local and engine is database:
                try:
                    database.set_up(self._home, ports)
                except PyMongoError as error:
                    return f"it is not ready ({type(error).__name__})"
            return engine.trouble(uri)

        if local:
            self._supervisor.begin(engine.NAME)
        self._await(engine.NAME, trouble, deadline, watched=local)

    def _start_services(self, ports: Mapping[str, int], deadline: float) -> None:
        programs = self._service_programs(self._home, ports)
        for program in programs:
            self._supervisor.begin(program.name, group=SERVICES_GROUP)
        for program in programs:
            url = self._home.service_url(program.name)
            self._await(program.name, partial(services.trouble, self._home, url), deadline)

    def _await(self, name: str, trouble: Callable[[], str], deadline: float, *, watched: bool = True) -> None:
        """Return when a part is well."""
        deaths: set[str] = set()
        while (wrong := trouble()) and time.monotonic() < deadline:
            process = self._supervisor.processes().get(name) if watched else None
            if process and process.is_failing:
                deaths.add(process.description)
            if len(deaths) >= _DEATHS:
                wrong = "it stops as soon as it is started"
                break
            time.sleep(_POLL_SECONDS)
        if wrong:
            raise Problem(f"{name}: {wrong}", self._advice(name, watched=watched))

    def _advice(self, name: str, *, watched: bool) -> str:
        if not watched:
            return "look whether the address in AMQP_URI or MONGO_URI is right"
        log = self._home.log / f"{name}.log"
        words = "".join(f"\n  {line}" for line in last_words(log))
        return f"look into {log}" + (f", which ends with{words}" if words else "")

    @contextmanager
    def _lock(self) -> Iterator[None]:
        """Let one `up` or `down` after the other work on a home."""
        make_folder(self._home.root)
        make_folder(self._home.run)
        with (self._home.run / "lock").open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield


def _pid(processes: Mapping[str, Process], name: str) -> int | None:
    process = processes.get(name)
    return process.pid if process else None
