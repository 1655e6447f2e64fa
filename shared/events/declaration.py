"""How a service declares the events that it publishes: once, beside the schema of their data."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from shared.events.fields import Data

#: Turns the data of one version into the data of the next.
Upcaster = Callable[[dict[str, Any]], dict[str, Any]]
#: A schema as a class; the word `type` means the name of an event here.
SchemaClass = type[Data]
_Schema = TypeVar("_Schema", bound=SchemaClass)
_Upcaster = TypeVar("_Upcaster", bound=Upcaster)


@dataclass(frozen=True, slots=True, kw_only=True)
class EventType:
    """What the catalogue says of one event."""

    #: `<noun>.<past participle>`.
    type: str
    #: From 1; a new optional field keeps it, anything else is a new version with an upcaster.
    version: int
    #: The service that publishes it; no other may.
    owner: str
    schema: SchemaClass
    example: Mapping[str, Any]
    #: When it is published, in one sentence.
    about: str
    #: The services of the house that act on it.
    listeners: tuple[str, ...] = ()
    #: Why no service of the house acts on it; empty where one does.
    reason: str = ""

    def __post_init__(self) -> None:
        if bool(self.listeners) == bool(self.reason):
            raise ValueError(f"{self.type} needs listeners or a reason why there are none, not both")
        if self.owner in self.listeners:
            raise ValueError(f"{self.type}: {self.owner} cannot listen to itself")
        if self.version < 1 or not self.about or not self.example:
            raise ValueError(f"{self.type} needs a version from 1, an example and a sentence about it")


class Publisher:
    """Collects the declarations of one service.

    >>> intake = Publisher("intake")
    >>> @intake.event("case.created", version=1, reason="...", example={...})
    ... class CaseCreated(Data):
    ...     "A report opened a case."
    """

    def __init__(self, owner: str) -> None:
        self.owner = owner
        self.types: list[EventType] = []
        #: By type and the version that it reads.
        self.upcasters: dict[tuple[str, int], Upcaster] = {}

    def event(
        self,
        type: str,
        *,
        version: int,
        example: Mapping[str, Any],
        listeners: tuple[str, ...] = (),
        reason: str = "",
    ) -> Callable[[_Schema], _Schema]:
        """Declare an event; the decorated class is its schema, whose docstring says when it is published."""

        def declare(schema: _Schema) -> _Schema:
            self.types.append(
                EventType(
                    type=type,
                    version=version,
                    owner=self.owner,
                    schema=schema,
                    example=example,
                    about=" ".join((schema.__doc__ or "").split()),
                    listeners=listeners,
                    reason=reason,
                )
            )
            return schema

        return declare

    def upcaster(self, type: str, *, from_version: int) -> Callable[[_Upcaster], _Upcaster]:
        """Declare the function that turns data of `from_version` into data of the version after it."""

        def declare(upcast: _Upcaster) -> _Upcaster:
            self.upcasters[type, from_version] = upcast
            return upcast

        return declare
