"""The toy as it is after an upgrade: what it remembers has another shape, and follows from the same journal."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from shared.kernel import Decision, Fact, Message, Ref, Shelf
from shared.kernel.model import Model, Wanted
from tests.integration.runtime.toy import Toy


@dataclass(frozen=True, slots=True, kw_only=True)
class Diary:
    """Before: `taken`, the numbers. Now it has another name, and there is one field more."""

    id: str
    numbers: tuple[int, ...]
    sum: int
    private: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Total:
    """A kind that is new, sealed, and found by a key."""

    id: str
    count: int
    private: Mapping[str, Any]


class Reshaped(Model):
    """Decides as the toy does."""

    name: ClassVar[str] = "referral"
    kinds: ClassVar[Mapping[str, type]] = {"diary": Diary, "total": Total}
    searched: ClassVar[frozenset[str]] = frozenset({"total"})

    def wants(self, message: Message) -> Wanted:
        case = message.data["case"]["id"]
        return Wanted(refs=frozenset({Ref("diary", case), Ref("total", f"total {case}")}))

    def decide(self, shelf: Shelf, message: Message) -> Decision:
        yield from Toy().decide(_Old(shelf), message)
        return {"numbers": list(shelf.get("diary", message.data["case"]["id"]).numbers)}  # type: ignore[union-attr]

    def evolve(self, shelf: Shelf, fact: Fact) -> None:
        case, number = fact.case, fact.private["n"]
        diary = shelf.get("diary", case) or Diary(id=case, numbers=(), sum=0)
        numbers = (*diary.numbers, number)
        shelf.put(Ref("diary", case), replace(diary, numbers=numbers, sum=sum(numbers), private=numbers))
        name = f"total {case}"
        shelf.put(Ref("total", name), Total(id=name, count=len(numbers), private={"sum": sum(numbers)}))

    def keys(self, ref: Ref, state: Any) -> Iterable[str]:
        return (f"count:{state.count}",) if ref.kind == "total" else ()


class _Old:
    """A shelf as the toy reads it: it answers what was taken."""

    def __init__(self, shelf: Shelf) -> None:
        self._shelf = shelf

    def get(self, kind: str, id: str) -> Any:
        return _Taken(self._shelf.get(kind, id))


class _Taken:
    def __init__(self, diary: Diary | None) -> None:
        self.taken = diary.numbers if diary else ()
