"""A shelf keeps states and finds them by key; what a failed message put there is gone without a trace."""

from collections.abc import Iterable
from typing import Any

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from shared.kernel import Ref, Shelf

REFS = st.builds(Ref, st.sampled_from(["case", "team"]), st.sampled_from("abcde"))
#: A state is the tuple of the keys under which it is filed.
STATES = st.lists(st.sampled_from(["red", "blue", "green"]), max_size=3).map(tuple)


def keys_of(ref: Ref, state: tuple[str, ...]) -> Iterable[str]:
    return [f"{ref.kind} {key}" for key in state]


class ShelfMachine(RuleBasedStateMachine):
    """The shelf beside plain dictionaries that do the same slowly."""

    def __init__(self) -> None:
        super().__init__()
        self.shelf = Shelf(keys_of)
        self.states: dict[Ref, Any] = {}
        self.touched: set[Ref] = set()
        self.stored: set[Ref] = set()

    @rule(ref=REFS, state=STATES)
    def put(self, ref: Ref, state: Any) -> None:
        self.shelf.put(ref, state)
        self.states[ref] = state
        self.touched.add(ref)

    @rule(ref=REFS, state=STATES)
    def fill(self, ref: Ref, state: Any) -> None:
        if ref not in self.states:
            self.shelf.fill(ref, state)
            self.states[ref] = state
            self.stored.add(ref)

    @rule()
    def settle(self) -> None:
        self.shelf.settle()
        self.stored |= self.touched
        self.touched = set()

    @rule(puts=st.lists(st.tuples(REFS, STATES), max_size=5))
    def keep_a_trial(self, puts: list[tuple[Ref, Any]]) -> None:
        with self.shelf.trial():
            for ref, state in puts:
                self.shelf.put(ref, state)
        self.states |= dict(puts)
        self.touched |= {ref for ref, _ in puts}

    @rule(puts=st.lists(st.tuples(REFS, STATES), max_size=5))
    def take_a_trial_back(self, puts: list[tuple[Ref, Any]]) -> None:
        with pytest.raises(ZeroDivisionError):
            self._fail_after(puts)

    def _fail_after(self, puts: list[tuple[Ref, Any]]) -> None:
        with self.shelf.trial():
            for ref, state in puts:
                self.shelf.put(ref, state)
            raise ZeroDivisionError

    @invariant()
    def holds_the_same(self) -> None:
        assert {ref: self.shelf.get(*ref) for ref in self.states} == self.states
        assert len(self.shelf) == len(self.states)
        assert (self.shelf.touched, self.shelf.stored) == (self.touched, self.stored)
        for kind in ("case", "team"):
            assert sorted(self.shelf.all(kind)) == sorted(s for ref, s in self.states.items() if ref.kind == kind)

    @invariant()
    def finds_the_same(self) -> None:
        for key in ("case red", "case blue", "team green"):
            expected = [self.states[ref] for ref in sorted(self.states) if key in keys_of(ref, self.states[ref])]
            assert self.shelf.find(key) == expected


TestShelf = ShelfMachine.TestCase


def test_a_state_that_is_not_there_is_none() -> None:
    shelf = Shelf(keys_of)

    assert shelf.get("case", "a") is None
    assert Ref("case", "a") not in shelf
    assert shelf.find("case red") == []
