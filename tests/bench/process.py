"""The processes of a system: started, waited for, stopped, and what they use."""

import os
import signal
import socket
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import monotonic, sleep
from urllib.parse import urlsplit

import psutil

ROOT = Path(__file__).resolve().parents[2]
STARTING = 40.0
STOPPING = 15.0


class NotReady(Exception):
    """A process ended, or did not become ready in time."""


class Process:
    """One service process, with its output in a file."""

    def __init__(self, name: str, command: Sequence[str], environment: Mapping[str, str], folder: Path) -> None:
        self.name = name
        self.log = folder / f"{name}.log"
        with self.log.open("wb") as output:
            self._popen = subprocess.Popen(
                command, cwd=ROOT, env={**os.environ, **environment}, stdout=output, stderr=subprocess.STDOUT
            )

    @property
    def pid(self) -> int:
        return self._popen.pid

    def check(self) -> None:
        """Raises:
        NotReady: the process has ended.
        """
        if self._popen.poll() is not None:
            tail = self.log.read_text(encoding="utf-8", errors="replace")[-2000:]
            raise NotReady(f"{self.name} ended with {self._popen.returncode}:\n{tail}")

    def ask_to_stop(self) -> None:
        if self._popen.poll() is None:
            self._popen.send_signal(signal.SIGTERM)

    def stop(self) -> None:
        """Ask it to end, and end it when it does not."""
        self.ask_to_stop()
        try:
            self._popen.wait(STOPPING)
        except subprocess.TimeoutExpired:
            self._popen.kill()
            self._popen.wait()


def stop(processes: Sequence[Process]) -> None:
    """End all of them; they have the time of one."""
    for process in processes:
        process.ask_to_stop()
    for process in processes:
        process.stop()


def wait_until(ready: Callable[[], bool], processes: Sequence[Process], what: str) -> None:
    """Return once `ready` says so.

    Raises:
        NotReady: a process has ended, or it takes too long.
    """
    deadline = monotonic() + STARTING
    while not ready():
        for process in processes:
            process.check()
        if monotonic() > deadline:
            raise NotReady(f"{what} is not ready after {STARTING:.0f} s")
        sleep(0.1)


def listening(address: tuple[str, int]) -> bool:
    """Say whether a connection is taken there."""
    try:
        socket.create_connection(address, timeout=1).close()
    except OSError:
        return False
    return True


def listener(uri: str, *, port: int) -> int | None:
    """Return the process of this machine that listens at the port of `uri` (else `port`), where it can be seen."""
    wanted = urlsplit(uri).port or port
    try:
        connections = psutil.net_connections("tcp")
    except psutil.AccessDenied:
        return None
    found = (c.pid for c in connections if c.status == psutil.CONN_LISTEN and c.laddr and c.laddr.port == wanted)
    return next(found, None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """Bytes in memory: all pages of the process, and with shared pages divided among their users."""

    rss: int
    pss: int


def memory(pid: int) -> Memory:
    """Return the memory of a process."""
    full = psutil.Process(pid).memory_full_info()
    return Memory(rss=full.rss, pss=full.pss)


def cpu(pid: int) -> float:
    """Return the seconds of processor time that a process has used."""
    times = psutil.Process(pid).cpu_times()
    return float(times.user + times.system)
