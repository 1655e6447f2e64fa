"""Tables that show a summary to a person."""

from collections import Counter

from rich.table import Table

from deploy.summary import GRADES, HELD, Summary

_COLOURS = {"red": "red", "orange": "dark_orange", "yellow": "yellow", "blue": "blue"}


def case_table(summary: Summary) -> Table:
    """Return the cases by category and grade."""
    table = _table("cases", "about")
    for grade in GRADES:
        table.add_column(f"[{_COLOURS[grade]}]{grade}[/]", justify="right")
    table.add_column("all", justify="right")
    totals = Counter[str]()
    for (category, _), count in summary.cases.items():
        totals[category] += count
    for category, total in _ranked(totals):
        counts = [summary.cases[(category, grade)] for grade in GRADES]
        table.add_row(category, *(_number(count) for count in counts), str(total))
    table.add_section()
    grades = [sum(count for (_, grade), count in summary.cases.items() if grade == wanted) for wanted in GRADES]
    table.add_row("all", *(_number(count) for count in grades), str(summary.cases.total()))
    return table


def referral_table(summary: Summary) -> Table:
    """Return the referrals, and the consents that they wait for, by agency and purpose."""
    table = _table("referrals", "agency", "purpose")
    table.add_column("requested", justify="right")
    table.add_column("waits for her consent", justify="right")
    for agency, purpose in sorted({*summary.referrals, *summary.consents}):
        requested, waiting = summary.referrals[(agency, purpose)], summary.consents[(agency, purpose)]
        table.add_row(agency, purpose, _number(requested), _number(waiting))
    table.add_section()
    table.add_row("all", "", _number(summary.referrals.total()), _number(summary.consents.total()))
    return table


def volunteer_table(summary: Summary) -> Table:
    """Return the volunteers that were found and not found, by skill."""
    table = _table("volunteers", "skill asked for")
    table.add_column("found", justify="right")
    table.add_column("nobody fits", justify="right")
    for skill in sorted({skill for skill, _ in summary.volunteers}):
        found, missing = summary.volunteers[(skill, True)], summary.volunteers[(skill, False)]
        table.add_row(skill, _number(found), _number(missing))
    return table


def notice_table(summary: Summary) -> Table:
    """Return the notices that were sent, by channel, and those that were held."""
    table = _table("notices to the client", "channel")
    table.add_column("reports", justify="right")
    for channel, count in _ranked(Counter({name: n for name, n in summary.notices.items() if name != HELD})):
        table.add_row(f"by {channel}", str(count))
    table.add_row("held: no safe way now", _number(summary.notices[HELD]))
    return table


def _table(title: str, *columns: str) -> Table:
    return Table(*columns, title=title, title_justify="left", title_style="bold", box=None, pad_edge=False)


def _ranked(counter: Counter[str]) -> list[tuple[str, int]]:
    return sorted(counter.items(), key=lambda item: (-item[1], item[0]))


def _number(count: int) -> str:
    return str(count) if count else "-"
