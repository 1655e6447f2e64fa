"""One message on its way through the committer, and what became of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from eventlet.event import Event as Signal

from shared.events import Event
from shared.kernel import Message


class Fate(StrEnum):
    """What became of a message."""

    OPEN = "open"
    DONE = "done"
    #: An event that its consumer has handled before.
    REPEATED = "repeated"
    #: A command that the rules do not allow.
    REFUSED = "refused"
    #: The decision raised something else: a bug, or an event that contradicts the state.
    FAILED = "failed"
    #: An event behind a parked one of its case.
    BEHIND = "behind"


@dataclass(slots=True, kw_only=True)
class Ticket:
    """A message that waits for its commit."""

    message: Message
    #: Name of the consumer whose inbox the message goes through; empty for a command.
    consumer: str = ""
    #: The event as received, kept when it has to be parked.
    event: Event | None = None
    #: It was parked and is tried again.
    again: bool = False
    #: Id of the timer that it comes from, which it takes away; empty for others, and for what was parked.
    timer: str = ""
    #: Why it cannot even be decided on: it will fail.
    broken: Exception | None = None
    fate: Fate = Fate.OPEN
    answer: Mapping[str, Any] | None = None
    error: Exception | None = None
    done: Signal = field(default_factory=Signal)

    def reopen(self) -> None:
        """Forget what an attempt made of it, before the next."""
        self.fate, self.answer, self.error = Fate.OPEN, None, None

    def close(self, fate: Fate, *, answer: Mapping[str, Any] | None = None, error: Exception | None = None) -> None:
        """Say what became of it."""
        self.fate, self.answer, self.error = fate, answer, error

    def wait(self) -> Mapping[str, Any] | None:
        """Wait for the commit and return the answer.

        Raises:
            Refused: the rules do not allow the command.
            Unavailable: the database is away.
        """
        self.done.wait()
        if self.error is not None:
            raise self.error
        return self.answer
