"""Birth dates are moved, and nothing that is decided by them changes."""

from datetime import date, timedelta
from itertools import combinations

from hypothesis import given
from hypothesis import strategies as st

from services.intake.matching import within_a_year
from services.intake.risk import is_under_age
from shared.replay.birthday import Birthdays

KEY = b"k" * 32

days = st.dates(date(2025, 1, 1), date(2027, 12, 31))
births = st.dates(date(2003, 1, 1), date(2012, 12, 31)) | st.dates(date(1986, 1, 1), date(1993, 12, 31))
#: Case, name, birth date and day of each report; few of each, so that they meet.
reports = st.lists(
    st.tuples(st.sampled_from("abc"), st.sampled_from(["王某", "李某", ""]), births, days), min_size=1, max_size=12
)


@given(reports)
def test_all_that_is_decided_stays(told: list[tuple[str, str, date, date]]) -> None:
    birthdays = Birthdays(KEY)
    for case, name, born, day in told:
        birthdays.add(case, [name] if name else [], born, day)

    for case, _, born, _ in told:
        moved = birthdays.of(case, born)
        assert moved.year == born.year
        for day in (day for other, _, _, day in told if other == case):
            assert is_under_age((moved,), day) == is_under_age((born,), day)
            # her age in years, whatever it is
            assert ((moved.month, moved.day) > (day.month, day.day)) == ((born.month, born.day) > (day.month, day.day))
    for (case, name, born, _), (other, called, later, _) in combinations(told, 2):
        if (name and name == called) or case == other:
            known, moved = birthdays.of(case, born), birthdays.of(other, later)
            assert within_a_year(known, moved) == within_a_year(born, later)


def test_who_is_eighteen_on_that_very_day_still_is() -> None:
    eighteen, day_before = date(2008, 3, 2), date(2008, 3, 3)
    birthdays = Birthdays(KEY)
    birthdays.add("a", ["王某"], eighteen, date(2026, 3, 2))
    birthdays.add("b", ["李某"], day_before, date(2026, 3, 2))

    assert not is_under_age((birthdays.of("a", eighteen),), date(2026, 3, 2))
    assert is_under_age((birthdays.of("b", day_before),), date(2026, 3, 2))


def test_a_date_is_moved_far_where_nothing_is_in_its_way() -> None:
    birthdays = Birthdays(KEY)
    first = date(1970, 1, 1)
    born = [first + timedelta(days=400 * n) for n in range(40)]
    for n, day in enumerate(born):
        birthdays.add(f"case {n}", [f"name {n}"], day, date(2026, 3, 2))

    moved = [abs((birthdays.of(f"case {n}", day) - day).days) for n, day in enumerate(born)]
    assert sum(moved) / len(moved) > 30
    assert [birthdays.of(f"case {n}", day) for n, day in enumerate(born)] == [
        birthdays.of(f"case {n}", day) for n, day in enumerate(born)
    ]
