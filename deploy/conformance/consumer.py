"""The consumer that is tried: a command that the kit starts, and starts again when it ends."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from types import TracebackType
from typing import Final, Self

from deploy.conformance import record
from deploy.conformance.record import Record
from deploy.problem import Problem

#: Seconds between an end and the next start, and until one that was asked to end is killed.
_REST: Final = 0.5
_STOPPING: Final = 5.0


class Consumer:
    """Keeps a command running, as a supervisor would.

    Args:
        variables: of its environment, besides those of this process.
    """

    def __init__(self, command: Sequence[str], variables: Mapping[str, str], seen: Record) -> None:
        self._command = command
        self._environment = {**os.environ, **variables}
        self._seen = seen
        self._stopping = threading.Event()
        self._process: subprocess.Popen[bytes] | None = None
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> Self:
        if self._command:
            self._process = self._started()
            self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stopping.set()
        if self._process is not None:
            self._thread.join(_STOPPING)
            self._signal(signal.SIGTERM)
            try:
                self._process.wait(_STOPPING)
            except subprocess.TimeoutExpired:
                self._signal(signal.SIGKILL)
                self._process.wait()

    def _signal(self, number: int) -> None:
        """Tell the command and whatever it has started itself."""
        if self._process is not None:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, number)

    def _started(self) -> "subprocess.Popen[bytes]":
        try:
            # what it says is for the person in front; the standard output is the kit's own
            return subprocess.Popen(  # noqa: S603  the command is of whoever calls the kit
                self._command,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=sys.stderr,
                start_new_session=True,
            )
        except OSError as error:
            raise Problem(f"{self._command[0]} cannot be started ({error.strerror})", "correct the command") from None

    def _watch(self) -> None:
        while not self._stopping.wait(_REST):
            process = self._process
            if process is not None and (code := process.poll()) is not None:
                self._seen.add(record.ENDED, 0, str(code))
                self._process = self._started()
