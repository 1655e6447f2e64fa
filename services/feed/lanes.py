"""The agencies' streams as the one who writes them knows them: which are open, and how far each is."""

import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

import structlog
from prometheus_client import Gauge

from services.feed.agency import Agency
from services.feed.cursor import Cursor
from shared.runtime import metrics

#: Seconds until an agency is tried again whose stream cannot be written, at first and at most.
HOLD = (0.5, 30.0)

_BEHIND = Gauge(
    "niangjia_feed_stream_behind", "Deliveries not yet in the agency's stream", ["agency"], registry=metrics.REGISTRY
)
_log = structlog.get_logger(__name__)


@dataclass(slots=True)
class Lane:
    """A stream that is open for writing."""

    epoch: int
    #: Of the last delivery that is in the stream.
    number: int
    #: When the next heartbeat is due, by the monotonic clock; at once when it is opened.
    beat_at: float = 0.0


@dataclass(slots=True)
class _Hold:
    delay: float = HOLD[0]
    until: float = 0.0


class Lanes:
    """The streams of all active agencies that have one."""

    def __init__(self) -> None:
        self.agencies: Mapping[str, Agency] = {}
        self.open: dict[str, Lane] = {}
        self._holds: dict[str, _Hold] = {}
        self._numbers: dict[str, int] = {}
        self._unsaved: set[str] = set()

    def begin(self, cursors: Mapping[str, Cursor]) -> None:
        """Begin anew, with nothing open, from what was saved."""
        self.open.clear()
        self._holds.clear()
        self._unsaved.clear()
        self._numbers = {name: cursor.number for name, cursor in cursors.items()}

    def end(self) -> None:
        """Know nothing any more: another one writes."""
        self.begin({})
        self.agencies = {}
        self.show()

    def update(self, agencies: Iterable[Agency]) -> None:
        """Take the agencies as they are now; a stream closes that is to be written no more, or anew."""
        self.agencies = {one.id: one for one in agencies}
        for name, lane in list(self.open.items()):
            if name not in self.agencies or self.agencies[name].epoch > lane.epoch:
                self.close(name)

    def to_open(self) -> Iterator[Agency]:
        """Yield the agencies whose streams should be opened now."""
        for name, agency in self.agencies.items():
            hold = self._holds.get(name)
            if name not in self.open and not (hold and time.monotonic() < hold.until):
                yield agency

    def opened(self, agency: Agency, number: int) -> None:
        """A stream is open, with this number at its end."""
        self._holds.pop(agency.id, None)
        self.open[agency.id] = Lane(epoch=agency.epoch, number=number)
        self._reached(agency.id, number)

    def reached(self, name: str, number: int) -> int:
        """A number is in a stream; return how many are new."""
        lane = self.open[name]
        new, lane.number = number - lane.number, number
        self._reached(name, number)
        return new

    def close(self, name: str) -> None:
        """Write a stream no more until it is opened again."""
        self.open.pop(name, None)

    def hold(self, name: str, error: Exception) -> None:
        """Try an agency's stream again only after a while."""
        self.close(name)
        hold = self._holds.setdefault(name, _Hold())
        _log.warning("no stream", action="stream", agency=name, error=type(error).__name__, again_in_s=hold.delay)
        hold.until = time.monotonic() + hold.delay
        hold.delay = min(hold.delay * 2, HOLD[1])

    def forget(self, name: str) -> bool:
        """Forget an agency; tell whether anything was known."""
        self._holds.pop(name, None)
        return self._numbers.pop(name, None) is not None

    def behind(self, name: str) -> int:
        """Return how many of an agency's deliveries are not in its stream, as far as its last number is known."""
        agency = self.agencies[name]
        return max(0, agency.last - max(self._numbers.get(name, 0), agency.since))

    def unsaved(self) -> Mapping[str, Cursor]:
        """Return how far the streams are that have moved since the last time."""
        moved, self._unsaved = self._unsaved, set()
        lanes = {name: self.open[name] for name in moved if name in self.open}
        return {name: Cursor(number=lane.number, epoch=lane.epoch) for name, lane in lanes.items()}

    def idle_seconds(self) -> float:
        """Return the seconds until the next heartbeat is due."""
        return min((lane.beat_at for lane in self.open.values()), default=float("inf")) - time.monotonic()

    def show(self) -> None:
        """Let the figures tell how far behind the streams are."""
        _BEHIND.clear()
        for name in self.agencies:
            _BEHIND.labels(name).set(self.behind(name))

    def _reached(self, name: str, number: int) -> None:
        self._numbers[name] = number
        self._unsaved.add(name)
