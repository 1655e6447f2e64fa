"""The machine: what is installed, and whether there is room."""

import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from deploy import broker, database
from deploy.checks.finding import Finding
from deploy.home import Home
from deploy.ports import BROKER_PARTS, is_free
from deploy.supervisor import Supervisor

_PYTHON = (3, 11)
_RABBITMQ = (3, 10)
_MONGOD = (6, 0)
_GIGABYTE = 1024**3
_FREE_DISK_GIGABYTES = 2
_FREE_MEMORY_GIGABYTES = 1
_NUMBERS = re.compile(r"(\d+)\.(\d+)(?:\.\d+)*")


def python(_home: Home) -> Iterator[Finding]:
    """Check the interpreter that runs this."""
    yield _version("Python", sys.version, _PYTHON, "install Python 3.11 or newer and run `deploy/bootstrap`")


def rabbitmq(home: Home) -> Iterator[Finding]:
    """Check that RabbitMQ is installed, unless one elsewhere is used."""
    if _elsewhere(home, "AMQP_URI", broker.is_local):
        yield Finding(name="RabbitMQ", well=True, found="one elsewhere is used (AMQP_URI)")
        return
    folder = broker.executable().resolve()
    yield _version("RabbitMQ", str(folder), _RABBITMQ, "install a newer rabbitmq-server, or set AMQP_URI")


def mongod(home: Home) -> Iterator[Finding]:
    """Check that MongoDB is installed, unless one elsewhere is used."""
    if _elsewhere(home, "MONGO_URI", database.is_local):
        yield Finding(name="MongoDB", well=True, found="one elsewhere is used (MONGO_URI)")
        return
    answer = subprocess.run(  # noqa: S603  nothing of it comes from outside
        [str(database.executable()), "--version"], capture_output=True, text=True, check=False
    )
    said = answer.stdout or answer.stderr
    yield _version("MongoDB", said, _MONGOD, "run `deploy/bootstrap`, put a newer mongod on the path, or set MONGO_URI")


def disk(home: Home) -> Iterator[Finding]:
    """Check that there is room to store."""
    place = home.root
    while not place.exists():
        place = place.parent
    free = shutil.disk_usage(place).free / _GIGABYTE
    yield _room("free disk", free, _FREE_DISK_GIGABYTES, f"free room on the disk of {place}, or move NIANGJIA_HOME")


def memory(home: Home) -> Iterator[Finding]:
    """Check that there is memory to work in; what runs already needs no more."""
    lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
    available = next(int(line.split()[1]) for line in lines if line.startswith("MemAvailable")) / 1024**2
    needed = _FREE_MEMORY_GIGABYTES / 4 if home.pid else _FREE_MEMORY_GIGABYTES
    yield _room("free memory", available, needed, "stop something else that uses memory")


def ports(home: Home) -> Iterator[Finding]:
    """Check that nobody else listens on the ports of this system."""
    if not home.ports:
        yield Finding(name="ports", well=True, found="none chosen yet")
        return
    running = {name for name, process in Supervisor(home).processes().items() if process.is_up}
    if broker.NAME in running:
        running |= set(BROKER_PARTS)
    taken = [f"{port} ({part})" for part, port in home.ports.items() if part not in running and not is_free(port)]
    yield Finding(
        name="ports",
        well=not taken,
        expected="each is ours, or free",
        found=f"taken by another process: {', '.join(taken)}" if taken else "each is ours, or free",
        remedy="run `niangjia up`, which chooses others" if taken else "",
    )


def _elsewhere(home: Home, name: str, is_local: Callable[[Home, str], bool]) -> bool:
    uri = home.remembered(name) if home.pid else home.given(name)
    return bool(uri) and not is_local(home, uri)


def _version(name: str, said: str, wanted: tuple[int, int], remedy: str) -> Finding:
    numbers = _NUMBERS.search(said)
    well = numbers is not None and (int(numbers[1]), int(numbers[2])) >= wanted
    return Finding(
        name=name,
        well=well,
        expected=f"{wanted[0]}.{wanted[1]} or newer",
        found=numbers.group() if numbers else (said.strip().splitlines() or ["nothing"])[-1],
        remedy="" if well else remedy,
    )


def _room(name: str, found: float, wanted: float, remedy: str) -> Finding:
    well = found >= wanted
    return Finding(
        name=name,
        well=well,
        expected=f"{wanted:g} GB or more",
        found=f"{found:.1f} GB",
        remedy="" if well else remedy,
    )
