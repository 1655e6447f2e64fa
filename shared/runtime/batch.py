"""What a subscriber hands to its service."""

from collections.abc import Sequence
from dataclasses import dataclass

from shared.events import Event


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """Events of one source, in their order, for one consumer."""

    consumer: str
    events: Sequence[Event]
    #: They were parked and are tried again.
    again: bool
    #: Why they cannot even be decided on: they will fail.
    broken: Exception | None = None
