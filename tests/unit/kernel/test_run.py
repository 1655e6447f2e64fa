"""A message is decided on as a whole: all its facts count, or none."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, ClassVar

import pytest

from shared.kernel import Decision, Fact, Message, Model, Ref, Refused, Shelf, Wanted, run

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


@dataclass(frozen=True)
class Account:
    amount: int = 0


class Bank(Model):
    """Takes an amount in single coins, and refuses the coin 13."""

    name: ClassVar[str] = "bank"
    kinds: ClassVar[Mapping[str, type]] = {"account": Account}

    def wants(self, message: Message) -> Wanted:
        return Wanted(refs=frozenset({Ref("account", message.subject)}))

    def decide(self, shelf: Shelf, message: Message) -> Decision:
        for coin in message.data["coins"]:
            account = shelf.get("account", message.subject) or Account()
            if coin == 13:
                raise Refused("unlucky", "no 13")
            yield Fact(
                type="coin.taken",
                subject=message.subject,
                case="",
                time=message.time,
                data={"coin": coin, "before": account.amount},
            )
        return {"amount": shelf.get("account", message.subject).amount}

    def evolve(self, shelf: Shelf, fact: Fact) -> None:
        before = shelf.get("account", fact.subject) or Account()
        shelf.put(Ref("account", fact.subject), Account(before.amount + fact.data["coin"]))


def message(*coins: int) -> Message:
    return Message(id="m1", type="pay", time=NOON, data={"coins": coins}, subject="a")


def test_each_fact_counts_before_the_next_is_decided() -> None:
    bank = Bank()
    facts, answer = run(bank, bank.shelf(), message(1, 2, 3))

    assert [fact.data["before"] for fact in facts] == [0, 1, 3]
    assert answer == {"amount": 6}


def test_a_refusal_takes_back_what_was_decided_before_it() -> None:
    bank = Bank()
    shelf = bank.shelf()
    run(bank, shelf, message(5))
    shelf.settle()

    with pytest.raises(Refused):
        run(bank, shelf, message(1, 2, 13))

    assert shelf.get("account", "a") == Account(5)
    assert shelf.touched == set()


def test_a_fact_that_the_check_does_not_take_undoes_the_message() -> None:
    def check(fact: Fact) -> None:
        if fact.data["coin"] > 2:
            raise ValueError("too large")

    bank = Bank()
    shelf = bank.shelf()
    with pytest.raises(ValueError, match="too large"):
        run(bank, shelf, message(1, 2, 3), check)

    assert len(shelf) == 0


def test_the_same_message_decides_the_same_again() -> None:
    def facts_of(bank: Bank) -> list[Any]:
        return run(bank, bank.shelf(), message(4, 5))[0]

    assert facts_of(Bank()) == facts_of(Bank())


def test_a_model_sets_no_timers_and_files_nothing_unless_it_says_so() -> None:
    bank = Bank()
    fact = Fact(type="coin.taken", subject="a", case="", time=NOON, data={"coin": 1})

    assert list(bank.timers(fact)) == []
    assert list(bank.keys(Ref("account", "a"), Account())) == []
