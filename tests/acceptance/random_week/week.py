"""A whole random week."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from tests.acceptance.random_week import identities, mediations, moments
from tests.acceptance.random_week.dice import BEGINNING, CHINA, MONDAY, SUNDAY, Dice
from tests.acceptance.random_week.reports import Writer
from tests.acceptance.random_week.town import Town
from tests.acceptance.random_week.volunteers import volunteer

#: Each with its weight.
_STORIES: Mapping[Callable[[Writer, datetime], None], int] = {
    identities.born_a_year_apart: 2,
    identities.one_accused: 1,
    identities.one_phone_for_both: 1,
    identities.phone_taken: 1,
    identities.accused_found_out: 1,
    identities.name_on_a_list: 1,
    mediations.mediation_lost: 4,
    mediations.without_category: 1,
    mediations.mediator_with_two_skills: 1,
    mediations.two_sides: 2,
    mediations.child: 1,
    mediations.court: 1,
    moments.window_of_violence: 3,
    moments.old_preference: 2,
    moments.changing_preferences: 3,
    moments.coming_of_age: 2,
}


@dataclass(frozen=True, kw_only=True)
class Week:
    """What was registered and what came in, in order of receipt."""

    volunteers: list[dict[str, Any]]
    #: With repeats, and with conflicts: the same key and other content.
    reports: list[dict[str, Any]]

    @property
    def first_reports(self) -> list[dict[str, Any]]:
        """Those that stand: the first of each key."""
        first: dict[str, dict[str, Any]] = {}
        for report in self.reports:
            first.setdefault(report["report_key"], report)
        return list(first.values())


def random_week(seed: int, reports: int) -> Week:
    """Return the week of a seed, with about so many reports and a quarter as many volunteers."""
    dice = Dice(seed)
    town = Town(dice, reports)
    writer = Writer(dice, town)
    while len(writer.written) < reports:
        if dice.says(0.3):
            (story,) = dice.choices(list(_STORIES), weights=list(_STORIES.values()))
            story(writer, dice.moment())
        else:
            _meet_again(writer)
    registered = [volunteer(dice, town, number) for number in range(1, max(10, reports // 4) + 1)]
    dice.shuffle(registered)
    return Week(volunteers=registered, reports=_sent(dice, seed, writer.written))


def _meet_again(writer: Writer) -> None:
    """Write a report on any household: some at the same instant as another, some long before the week."""
    dice = writer.dice
    household = dice.choice(writer.town.households)
    kind, time = dice.random(), dice.moment()
    if kind < 0.1:
        time = dice.between(BEGINNING, MONDAY)
    elif kind < 0.17 and household.times:
        time = dice.choice(household.times)
    elif kind < 0.22:
        # Around the day on which who was born on 29 February has a birthday.
        time = datetime(2026, 2, 28, tzinfo=CHINA) + timedelta(hours=dice.randint(0, 36))
    write = writer.joining_report if dice.says(0.15) else writer.report
    write(household, time)


def _sent(dice: Dice, seed: int, written: list[tuple[datetime, dict[str, Any]]]) -> list[dict[str, Any]]:
    """Return reports in order of receipt, each with a key, some of them twice."""
    sent: list[dict[str, Any]] = []
    in_time = [(time, report) for time, report in written if BEGINNING <= time <= SUNDAY]
    for number, (_, report) in enumerate(sorted(in_time, key=lambda one: one[0])):
        # Keys are not in the order of receipt.
        keyed = {"report_key": f"R{seed}-{dice.randrange(10)}{number:03d}", **report}
        sent.append(keyed)
        if dice.says(0.04):
            sent.append(dict(dice.sample(list(keyed.items()), len(keyed))))
        if dice.says(0.03):
            sent.append(
                {**keyed, "narrative": "同键不同文", "risk_factors": ["strangulation"], "immediate_danger": True}
            )
    return sent
