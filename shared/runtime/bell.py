"""How one thread wakes another that waits for something to do."""

import eventlet
from eventlet.event import Event as Signal


class Bell:
    """Rung by many, heard by one; a ring while nobody waits is heard by the next wait."""

    def __init__(self) -> None:
        self._signal = Signal()

    def ring(self) -> None:
        """Wake who waits, or who waits next."""
        if not self._signal.ready():
            self._signal.send()

    def wait(self, seconds: float) -> None:
        """Return when it rings, or after some seconds."""
        with eventlet.Timeout(max(seconds, 0.0), False):
            self._signal.wait()
        if self._signal.ready():
            self._signal = Signal()
