"""The catalogue of events: what may be published, in which form, and how older forms are read.

Exception
├── UnknownEvent     nobody declared an event of this name
├── UnknownVersion   it was published by a newer release than this one
└── InvalidEvent     its data is not what its schema says
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from shared.events import feed, intake, notification, referral, volunteer
from shared.events.checker import Checker
from shared.events.declaration import EventType, Publisher


class UnknownEvent(Exception):
    """There is no event of this name in the catalogue."""

    def __init__(self, type: str) -> None:
        super().__init__(f"there is no event {type!r} in the catalogue")
        self.type = type


class UnknownVersion(Exception):
    """The event has a version that this release does not know; a newer release reads it."""

    def __init__(self, type: str, version: int, known: int) -> None:
        super().__init__(f"{type} has version {version}, this release knows up to {known}: upgrade, then try again")
        self.type = type
        self.version = version
        self.known = known


class InvalidEvent(Exception):
    """The data of an event is not what its schema says; quotes no value."""

    def __init__(self, type: str, field: str, reason: str) -> None:
        super().__init__(f"{type}: {field or 'data'}: {reason}")
        self.type = type
        self.field = field
        self.reason = reason


class Catalogue:
    """The events of some publishers.

    Raises:
        ValueError: an event is declared twice, or an older version of one has no upcaster.
    """

    def __init__(self, *publishers: Publisher) -> None:
        self._types: dict[str, EventType] = {}
        self._checkers: dict[str, Checker] = {}
        self._upcasters = {key: upcast for p in publishers for key, upcast in p.upcasters.items()}
        for publisher in publishers:
            for declared in publisher.types:
                self._add(declared)

    def __iter__(self) -> Iterator[EventType]:
        return iter(self._types.values())

    def event_type(self, name: str) -> EventType:
        """Return what the catalogue says of an event.

        Raises:
            UnknownEvent: it says nothing.
        """
        try:
            return self._types[name]
        except KeyError:
            raise UnknownEvent(name) from None

    def check(self, type: str, data: Mapping[str, Any]) -> None:
        """Let pass what may be published: known, of the newest version, every field as declared, none besides.

        Raises:
            UnknownEvent: no such event.
            InvalidEvent: the first field that is wrong, and why.
        """
        fault = self._checker(type).fault(data, strict=True)
        if fault:
            raise InvalidEvent(type, *fault)

    def consume(self, type: str, version: int, data: Mapping[str, Any]) -> dict[str, Any]:
        """Return data as the newest known version has it; fields that are not known are left in it.

        Raises:
            UnknownEvent: no such event.
            UnknownVersion: the version is newer than this release.
            InvalidEvent: the data, brought to the newest version, is wrong.
        """
        known = self.event_type(type).version
        if not 1 <= version <= known:
            raise UnknownVersion(type, version, known)
        newest = dict(data)
        for older in range(version, known):
            newest = self._upcasters[type, older](newest)
        fault = self._checker(type).fault(newest, strict=False)
        if fault:
            raise InvalidEvent(type, *fault)
        return newest

    def listeners_of(self, owner: str) -> dict[str, tuple[str, ...]]:
        """Return the events of a service by the services that act on them: one queue for each of these."""
        found: dict[str, list[str]] = {}
        for declared in self._types.values():
            if declared.owner == owner:
                for listener in declared.listeners:
                    found.setdefault(listener, []).append(declared.type)
        return {listener: tuple(types) for listener, types in sorted(found.items())}

    def _checker(self, type: str) -> Checker:
        try:
            return self._checkers[type]
        except KeyError:
            raise UnknownEvent(type) from None

    def _add(self, declared: EventType) -> None:
        if declared.type in self._types:
            raise ValueError(f"{declared.type} is declared twice")
        missing = [v for v in range(1, declared.version) if (declared.type, v) not in self._upcasters]
        if missing:
            raise ValueError(f"{declared.type} has no upcaster from version {_listed(missing)}")
        self._types[declared.type] = declared
        self._checkers[declared.type] = Checker(declared.schema)


def _listed(numbers: Iterable[int]) -> str:
    return ", ".join(map(str, numbers))


#: Every event of the house.
CATALOGUE = Catalogue(intake.publisher, referral.publisher, volunteer.publisher, notification.publisher, feed.publisher)

event_type = CATALOGUE.event_type
check = CATALOGUE.check
consume = CATALOGUE.consume
listeners_of = CATALOGUE.listeners_of
