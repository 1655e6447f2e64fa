"""Processes that a system left behind when its process manager was killed, found by a mark in their environment."""

import os
import signal
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from deploy.home import Home

#: The variable that every process of a system carries, with the path of its home.
MARK = "NIANGJIA_STACK_OF"

_GRACE_SECONDS = 20


def leftovers(home: Home) -> list[int]:
    """Return the ids of the processes that belong to `home`."""
    return sorted(_marked(os.fsencode(f"{MARK}={home.root}")))


def clear_leftovers(home: Home) -> int:
    """Stop what belongs to `home`, by force what does not stop by itself; return how many processes there were."""
    found = leftovers(home)
    if not found:
        return 0
    _signal(found, signal.SIGTERM)
    deadline = time.monotonic() + _GRACE_SECONDS
    while (left := leftovers(home)) and time.monotonic() < deadline:
        time.sleep(0.1)
    _signal(left, signal.SIGKILL)
    return len(found)


def _signal(pids: list[int], number: signal.Signals) -> None:
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, number)


def _marked(mark: bytes) -> Iterator[int]:
    for folder in Path("/proc").iterdir():
        if not folder.name.isdigit():
            continue
        # processes of others cannot be read, and processes end while they are looked at
        with suppress(OSError):
            if mark in (folder / "environ").read_bytes().split(b"\0"):
                yield int(folder.name)
