"""The pure kernel: messages, facts, states and decisions. Imports nothing but the standard library."""

from shared.kernel.identifier import identifier
from shared.kernel.message import Fact, Message
from shared.kernel.model import Conflict, Decision, Gone, Model, NotFound, Refused, Wanted, run
from shared.kernel.shelf import Ref, Shelf
from shared.kernel.timer import Timer

__all__ = [
    "Conflict",
    "Decision",
    "Fact",
    "Gone",
    "Message",
    "Model",
    "NotFound",
    "Ref",
    "Refused",
    "Shelf",
    "Timer",
    "Wanted",
    "identifier",
    "run",
]
