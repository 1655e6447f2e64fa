"""A feed in memory: deliveries with their numbers, and the tricks that a consumer must be up to."""

import secrets
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from deploy.conformance.record import Record

#: JSON types by their names.
Document = dict[str, Any]


class Trick(StrEnum):
    """What goes wrong with a delivery the first time that it is sent."""

    #: It comes twice.
    TWICE = "twice"
    #: It does not come.
    HIDDEN = "hidden"
    #: The connection breaks in the middle of it.
    CUT = "cut"
    #: Somebody else sends something under its number before.
    FORGED = "forged"
    #: It comes before as it was ten minutes ago.
    OLD = "old"


@dataclass(frozen=True, slots=True)
class Sent:
    """One delivery that is sent now."""

    number: int
    document: Document
    trick: Trick | None = None


class LocalFeed:
    """What one agency gets.

    Args:
        name: of the agency.
        save_token: keeps the token where the consumer finds it.
    """

    def __init__(self, name: str, record: Record, save_token: Callable[[str], None]) -> None:
        self.name = name
        self.record = record
        #: Under which address it is reached; set by who listens.
        self.url = ""
        #: What `GET` on a `dataref` answers, by number; None where it is closed.
        self.people: dict[int, Mapping[str, Any] | None] = {}
        self._entries: list[Document] = []
        self._tricks: dict[int, Trick] = {}
        self._changed = threading.Condition()
        self._save_token = save_token
        self.token = ""
        self.is_open = True
        self.rotate()

    @property
    def last(self) -> int:
        """The number of the last delivery."""
        return len(self._entries)

    def document(self, number: int) -> Document:
        """Return a delivery."""
        return self._entries[number - 1]

    def add(self, documents: Sequence[Document], tricks: Mapping[int, Trick]) -> list[int]:
        """Deliver all at once; return their numbers.

        Args:
            documents: without number.
            tricks: by the place of a delivery among these.
        """
        with self._changed:
            first = self.last + 1
            for number, document in enumerate(documents, start=first):
                self._entries.append({**document, "sequence": f"{number:016}"})
            self._tricks |= {first + place: trick for place, trick in tricks.items()}
            self._changed.notify_all()
            return list(range(first, self.last + 1))

    def take(self, after: int, seconds: float = 0.0, most: int = 1_000) -> list[Sent]:
        """Return what is sent to who has got all up to a number, waiting for it some seconds at most."""
        with self._changed:
            if seconds and after >= self.last:
                self._changed.wait(seconds)
            found = []
            for number in range(after + 1, min(self.last, after + most) + 1):
                trick = self._tricks.pop(number, None)
                if trick is not Trick.HIDDEN:
                    found.append(Sent(number, self.document(number), trick))
                if trick is Trick.CUT:
                    break
            return found

    def rotate(self) -> None:
        """Give the agency another token; the one before ends at once, and with it the streams that it opened."""
        with self._changed:
            self.token = secrets.token_urlsafe(24)
            self._save_token(self.token)
            self._changed.notify_all()

    def close(self) -> None:
        """End all that waits."""
        with self._changed:
            self.is_open = False
            self._changed.notify_all()
