"""A period played in memory: nothing is stored, nothing is sent, nobody is asked."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

from deploy.city import contacts, models
from deploy.whatif.outcome import Observer, Outcome
from deploy.whatif.period import Period
from shared.events import Event
from shared.kernel import Model
from shared.replay.city import City
from shared.replay.recording import Command, Line

#: Who works on reports. What agencies get follows from that; nothing comes back from there but receipts.
_SERVICES: Final = ("intake", "referral", "volunteer", "notification")


def play(lines: Iterable[Line], period: Period, rules: Path | None, before: Path | None) -> Outcome:
    """Return what comes of a period under a set of rules.

    Args:
        lines: what services were told, from the beginning on, in its order.
        period: what happened before it counts as its past, what happened after it is left out.
        rules: folder of the rules for what happens in the period.
        before: of those for its past.
    """
    past, now = _models(before), _models(rules)
    city = City(*past.values())
    city.enrich["notification"] = contacts(city)
    observer = Observer(period)
    for line in lines:
        if not isinstance(line, Command) or line.to not in city.voices:
            continue
        # Whoever is registered before a report comes in may help, whatever the clock of the register said.
        if line.to == "intake" and line.message.time >= period.end:
            continue
        _judge_by(now if line.message.time >= period.begin else past, city)
        observer.see(city.take(line))
    outcome = observer.outcome
    outcome.refused = sum(one.command.message.time in period for one in city.refused)
    return outcome


def receipts(lines: Iterable[Line]) -> list[Event]:
    """Return what agencies said of the referrals that reached them."""
    return [line for line in lines if isinstance(line, Event) and line.type == "receipt.recorded"]


def _models(rules: Path | None) -> Mapping[str, Model]:
    found = models(rules)
    return {name: found[name] for name in _SERVICES}


def _judge_by(models: Mapping[str, Model], city: City) -> None:
    for name, model in models.items():
        city.voices[name].model = model
