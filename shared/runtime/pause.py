"""A wait that a stopping service cuts short."""

import time
from collections.abc import Callable

import eventlet

#: Seconds between looks at whether the service is stopping.
LOOK = 0.2


def pause(seconds: float, stopping: Callable[[], bool]) -> None:
    """Wait, but no longer than until `stopping` says so."""
    until = time.monotonic() + seconds
    while not stopping() and (left := until - time.monotonic()) > 0:
        eventlet.sleep(min(left, LOOK))
