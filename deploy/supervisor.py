"""The process manager (supervisord): its configuration, its start, and what can be asked of it."""

import os
import resource
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping
from contextlib import closing
from dataclasses import dataclass
from hashlib import sha1
from pathlib import Path
from typing import Any
from xmlrpc.client import Fault, ServerProxy

from supervisor.xmlrpc import SupervisorTransport

from deploy.files import make_folder, write_private
from deploy.home import Home
from deploy.keys import SUPERVISOR_LOGIN
from deploy.leftovers import MARK
from deploy.problem import Problem
from deploy.program import SERVICES_PRIORITY, Program

#: The group of the services, stopped before broker and database are.
SERVICES_GROUP = "services"

_USER = "niangjia"
_FILES_WANTED = 65536
_START_SECONDS = 15
#: What of the caller's environment concerns every process; the rest (addresses, passwords) must not leak into them.
_INHERITED = ("HOME", "LANG", "LC_ALL", "PATH", "TMPDIR", "TZ", "USER")

_CONFIGURATION = """\
[unix_http_server]
file={socket}
chmod=0600
username={user}
password={{SHA}}{digest}

[supervisord]
logfile={log}/supervisord.log
logfile_maxbytes=5MB
logfile_backups=1
pidfile={run}/supervisord.pid
childlogdir={log}
directory={root}
umask=077
minfds={files}
{run_as}
[rpcinterface:supervisor]
supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface

[group:{group}]
programs={members}
priority={priority}

{sections}"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Process:
    """How one program is doing."""

    name: str
    #: supervisord's word for it: RUNNING, STARTING, BACKOFF, STOPPED, EXITED, FATAL …
    state: str
    pid: int | None
    #: Changes with each try to start it.
    description: str

    @property
    def is_up(self) -> bool:
        """Whether there is a process."""
        return self.pid is not None

    @property
    def is_failing(self) -> bool:
        """Whether it died too soon to count as started."""
        return self.state in {"BACKOFF", "FATAL"}


class Supervisor:
    """The process manager of one home."""

    def __init__(self, home: Home) -> None:
        self._home = home

    def configure(self, first: Iterable[Program], services: Iterable[Program]) -> None:
        """Write the configuration for what starts first (broker, database) and for the services."""
        home, services = self._home, list(services)
        _, hard_limit = resource.getrlimit(resource.RLIMIT_NOFILE)
        text = _CONFIGURATION.format(
            socket=home.socket,
            user=_USER,
            digest=sha1(home.secret(SUPERVISOR_LOGIN).encode(), usedforsecurity=False).hexdigest(),
            log=home.log,
            run=home.run,
            root=home.root,
            files=_FILES_WANTED if hard_limit == resource.RLIM_INFINITY else min(_FILES_WANTED, hard_limit),
            run_as="user=root\n" if os.getuid() == 0 else "",
            group=SERVICES_GROUP,
            priority=SERVICES_PRIORITY,
            members=",".join(program.name for program in services),
            sections="\n".join(program.section(home) for program in (*first, *services)),
        )
        write_private(self._file, text)

    def start(self) -> None:
        """Start the manager, which starts what starts first; where it runs already, take over what has changed."""
        if self._home.pid:
            self._apply_changes()
            return
        make_folder(self._home.socket.parent)
        self._home.socket.unlink(missing_ok=True)
        command = [sys.executable, "-m", "supervisor.supervisord", "-c", str(self._file)]
        started = subprocess.run(  # noqa: S603  nothing of it comes from outside
            command, env=self._environment(), cwd="/", capture_output=True, text=True, check=False
        )
        deadline = time.monotonic() + _START_SECONDS
        while started.returncode == 0 and time.monotonic() < deadline:
            if self.answers():
                return
            time.sleep(0.05)
        said = (started.stderr or started.stdout).strip().splitlines()
        raise Problem(
            f"the process manager did not start ({said[-1] if said else 'no answer'})",
            f"look into {self._home.log / 'supervisord.log'}",
        )

    def answers(self) -> bool:
        """Say whether the manager runs and can be asked."""
        try:
            return self._home.pid is not None and bool(self._call("getState"))
        except (OSError, Problem):
            return False

    def processes(self) -> dict[str, Process]:
        """Return how each program is doing, by its name; nothing when the manager does not run."""
        if not self._home.pid:
            return {}
        try:
            found = self._call("getAllProcessInfo")
        except OSError:
            return {}
        return {
            info["name"]: Process(
                name=info["name"],
                state=info["statename"],
                pid=info["pid"] or None,
                description=f"{info['spawnerr']} {info['start']}",
            )
            for info in found
        }

    def begin(self, program: str, *, group: str = "") -> None:
        """Start a program without waiting for it; nothing happens when it runs."""
        try:
            self._call("startProcess", f"{group or program}:{program}", False)
        except Fault as fault:
            if "ALREADY_STARTED" not in fault.faultString:
                raise Problem(f"{program} cannot be started ({fault.faultString})", self._look(program)) from None

    def stop(self) -> None:
        """Stop the services, then broker and database, then the manager itself; return when it is gone."""
        pid = self._home.pid
        if pid is None:
            return
        try:
            self._call("shutdown")
        except Fault:  # it is stopping already
            pass
        except OSError:
            raise Problem("the process manager does not answer", f"stop process {pid}, then try again") from None
        while self._home.pid == pid:
            time.sleep(0.05)

    def _apply_changes(self) -> None:
        try:
            ((added, changed, removed),) = self._call("reloadConfig")
        except Fault as fault:
            raise Problem(f"the process manager refuses its configuration ({fault.faultString})") from None
        for group in (*changed, *removed):
            self._call("stopProcessGroup", group)
            self._call("removeProcessGroup", group)
        for group in (*added, *changed):
            self._call("addProcessGroup", group)

    def _call(self, method: str, *arguments: Any) -> Any:
        password = self._home.secret(SUPERVISOR_LOGIN)
        transport = SupervisorTransport(_USER, password, f"unix://{self._home.socket}")
        with closing(transport):
            proxy = ServerProxy("http://127.0.0.1", transport=transport)
            return getattr(proxy.supervisor, method)(*arguments)

    def _environment(self) -> Mapping[str, str]:
        inherited = {name: os.environ[name] for name in _INHERITED if name in os.environ}
        return {**inherited, MARK: str(self._home.root)}

    def _look(self, program: str) -> str:
        return f"look into {self._home.log / f'{program}.log'}"

    @property
    def _file(self) -> Path:
        return self._home.etc / "supervisord.conf"
