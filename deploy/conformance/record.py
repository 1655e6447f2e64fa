"""What a consumer was seen to do, in the order in which it did it."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

#: What can be seen.
RECEIPT: Final = "receipt"
ASKED: Final = "asked"
FETCHED: Final = "fetched"
REFUSED: Final = "refused"
CALLED: Final = "called"
ENDED: Final = "ended"
#: Why a request is refused: it names a number that was never given.
BEYOND: Final = "beyond the last number"


@dataclass(frozen=True, slots=True)
class Seen:
    """One thing that a consumer did."""

    what: str
    #: Of the delivery that it is about, or of the last one that the consumer says to have.
    number: int
    #: The receipt, the way, the status: as it fits.
    detail: str


class Record:
    """Everything that was seen; many threads write into it."""

    def __init__(self) -> None:
        self._seen: list[Seen] = []
        self._changed = threading.Condition()

    def __len__(self) -> int:
        return len(self._seen)

    def add(self, what: str, number: int, detail: str = "") -> None:
        """Write something down."""
        with self._changed:
            self._seen.append(Seen(what, number, detail))
            self._changed.notify_all()

    def since(self, mark: int, what: str = "") -> list[Seen]:
        """Return what was seen after there were `mark` entries; of one kind, where it is named."""
        with self._changed:
            return [one for one in self._seen[mark:] if not what or one.what == what]

    def wait(self, ready: Callable[[], bool], seconds: float) -> bool:
        """Return whether something became true within some seconds; looked at with each new entry."""
        until = time.monotonic() + seconds
        with self._changed:
            while not ready():
                left = until - time.monotonic()
                if left <= 0:
                    return False
                self._changed.wait(min(left, 0.25))
        return True
