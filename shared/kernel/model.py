"""The shape of a service's pure core: what it wants to know, what it decides, how its state follows from facts."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Generator, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from shared.kernel.message import Fact, Message
from shared.kernel.shelf import Ref, Shelf
from shared.kernel.timer import Timer

#: A decision: yields facts one by one, each taken into the shelf before the next is decided, and returns the
#: answer for the sender (None for events, which nobody waits for).
Decision = Generator[Fact, None, Mapping[str, Any] | None]


class Refused(Exception):
    """A command that the rules do not allow; the text tells the sender what is wrong and what to do."""

    def __init__(self, slug: str, detail: str, *, field: str = "") -> None:
        super().__init__(detail)
        self.slug = slug
        self.detail = detail
        self.field = field


class NotFound(Refused):
    """The command names something that is not there."""


class Gone(Refused):
    """The command names something that was erased."""


class Conflict(Refused):
    """The command contradicts what is already stored."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What must lie on the shelf before a message can be decided: states by address, and by index key."""

    refs: frozenset[Ref] = frozenset()
    keys: frozenset[str] = frozenset()


class Model(ABC):
    """A service without its shell: no clock, no chance, no input or output."""

    #: Name of the service.
    name: ClassVar[str]
    #: The type of each kind of state: a msgspec struct or a dataclass. A field called `private`, if any, is sealed
    #: where it is stored; it needs a default, with which it is read when its key was destroyed.
    kinds: ClassVar[Mapping[str, type]]
    #: Kinds that always lie on the shelf as a whole, because a decision chooses among all of them.
    resident: ClassVar[frozenset[str]] = frozenset()
    #: Kinds that are found by index keys, too.
    searched: ClassVar[frozenset[str]] = frozenset()

    @abstractmethod
    def wants(self, message: Message) -> Wanted:
        """Say which states the decision on `message` will look at."""

    @abstractmethod
    def decide(self, shelf: Shelf, message: Message) -> Decision:
        """Yield the facts that follow from `message`; return the answer.

        Raises:
            Refused: the rules do not allow it; nothing of it is kept.
        """

    @abstractmethod
    def evolve(self, shelf: Shelf, fact: Fact) -> None:
        """Put onto the shelf the states that follow from `fact`."""

    def keys(self, ref: Ref, state: Any) -> Iterable[str]:
        """Return the index keys under which a state is found."""
        return ()

    def timers(self, fact: Fact) -> Iterable[Timer]:
        """Return the timers that follow from a fact: those to set, and those to take away."""
        return ()

    def erases(self, fact: Fact) -> Iterable[str]:
        """Return whose keys are destroyed with a fact: what was sealed for them can never be read again.

        Such a fact has no private data of theirs, and what `evolve` leaves of a state with the id of one of them must
        follow from public data alone.
        """
        return ()

    def shelf(self) -> Shelf:
        """Return an empty shelf that is indexed by this model's keys."""
        return Shelf(self.keys)


def _unchecked(fact: Fact) -> None:
    """Take every fact as it is."""


def run(
    model: Model, shelf: Shelf, message: Message, check: Callable[[Fact], None] = _unchecked
) -> tuple[list[Fact], Mapping[str, Any] | None]:
    """Decide on one message and take its facts into the shelf; all or nothing.

    `check` sees each fact before it counts, and raises if it must not be.

    Raises:
        Refused: the rules do not allow it; the shelf is as before.
    """
    facts: list[Fact] = []
    with shelf.trial():
        decision = model.decide(shelf, message)
        while True:
            try:
                fact = next(decision)
            except StopIteration as end:
                return facts, end.value
            check(fact)
            model.evolve(shelf, fact)
            facts.append(fact)
