from collections import Counter

import pytest

from services.intake import schemas as intake
from services.volunteer import schemas as volunteer
from shared.runtime.form import load
from tests.acceptance.random_week import random_week

SEEDS = range(4)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_random_week_is_such_as_the_services_take_in(seed: int) -> None:
    week = random_week(seed, 150)
    for report in week.reports:
        load(intake.Report(), report)
    for record in week.volunteers:
        load(volunteer.Volunteer(), record)


def test_a_seed_always_gives_the_same_week() -> None:
    assert random_week(5, 60) == random_week(5, 60)
    assert random_week(5, 60) != random_week(6, 60)


def test_a_random_week_has_repeats_and_conflicts() -> None:
    week = random_week(1, 150)
    known = {report["report_key"]: report for report in week.first_reports}
    sent = Counter(report == known[report["report_key"]] for report in week.reports)
    assert sent[True] > len(known)
    assert sent[False] > 0
