"""Stories of time: windows that are reached to the second, a birthday, preferences that change or grow old."""

from datetime import date, datetime, timedelta
from typing import Any

from tests.acceptance.random_week.dice import BEGINNING, CHINA, Dice
from tests.acceptance.random_week.reports import Writer, minutes

_VIOLENCE = ["domestic_violence", "domestic_violence", "sexual_assault", "child_abuse"]
_HERSELF = {"role": "self"}
_CHANNELS = ["wechat", "web_mailbox", "letter", "hotline_12338", "hotline_12338", "visit", "home_visit", "grid"]


def window_of_violence(writer: Writer, time: datetime) -> None:
    """Two reports in 30 days or three in 365, or a second more."""
    dice, household = writer.dice, writer.town.newcomers()
    days = dice.choice([30, 30, 365])
    first = max(_about(dice, time - timedelta(days=days)), BEGINNING)
    times = [first, time] if days == 30 else [first, first + timedelta(days=dice.randint(31, 300)), time]
    for one in times:
        writer.joining_report(household, one, category=dice.choice(_VIOLENCE))


def old_preference(writer: Writer, time: datetime) -> None:
    """A preference that is 90 days old, or a second more, and perhaps another one then."""
    dice, household = writer.dice, writer.town.newcomers()
    role = dice.choice(["self", "self", "doctor", "police"])
    named = {"channels": ["phone", "sms"]}
    first = _about(dice, time - timedelta(days=90))
    writer.joining_report(household, first, safe_contact=named, reporter={"role": role})
    then = dice.choice([None, None, named, {"channels": ["sms"]}])
    writer.joining_report(household, time, safe_contact=then)


def changing_preferences(writer: Writer, time: datetime) -> None:
    """One preference again and again, with and without a difference, a voice, her name, a professional."""
    dice, household = writer.dice, writer.town.newcomers()
    usual: dict[str, Any] = {"channels": ["phone", "sms"], "hours": dice.choice([None, "00:00-23:59", "08:00-20:00"])}
    if dice.says(0.5):
        usual["voicemail"] = False
    reports = dice.randint(3, 6)
    past = timedelta(days=dice.choice([0, 0, 0, 89, 90, 91, 100]), hours=reports)
    for number in range(reports):
        moment = time if number == reports - 1 else time - past + minutes(number * 50)
        client = household.client.fields("name", "phone", "id_number")
        if number and dice.says(0.2):
            client.pop(dice.choice(["name", "id_number"]))
        elif dice.says(0.1):
            client["name"] = dice.choice(writer.town.names)
        writer.report(
            household,
            moment,
            client=client,
            accused=None,
            reporter={"role": dice.choice([*["self"] * 7, "doctor", "police", "relative", "neighbour"])},
            channel=dice.choice(_CHANNELS),
            safe_contact=_varied(dice, usual) if dice.says(0.85) else None,
        )


def coming_of_age(writer: Writer, time: datetime) -> None:
    """Violence against a client who turns 18 in these hours; her birth date and the violence may come apart."""
    dice, household = writer.dice, writer.town.newcomers()
    born = dice.choice([date(2008, 2, 29), date(2008, 3, 5), date(2008, 3, 1), date(2008, 2, 28)])
    midnight = datetime(2026, born.month, min(born.day, 28), tzinfo=CHINA)
    first = midnight + dice.choice([timedelta(seconds=-1), timedelta(), *(timedelta(hours=h) for h in (-5, 7, 25))])
    client = household.client.fields("name", "phone")
    fixed = {"accused": None, "reporter": _HERSELF, "immediate_danger": False, "risk_factors": ["isolated"]}
    writer.report(
        household,
        first,
        **fixed,
        client=client | {"birth_date": str(born)},
        category=dice.choice(["domestic_violence", "other", "left_behind_child", None]),
        channel=dice.choice(["police_110", "hotline_12338"]),
    )
    if dice.says(0.4):
        client["birth_date"] = str(writer.town.about_a_year_from(born))
    category = dice.choice(["domestic_violence", "trafficking", "other"])
    writer.report(
        household, first + timedelta(hours=dice.choice([0, 1, 30])), **fixed, client=client, category=category
    )


def _about(dice: Dice, time: datetime) -> datetime:
    """Return a time, or one that is a little before or after it."""
    return time + timedelta(seconds=dice.choice([0, 0, 0, 1, -1, -3600]))


def _varied(dice: Dice, usual: dict[str, Any]) -> dict[str, Any]:
    """Return a preference as usual, or with a difference that may not be one."""
    differences: list[dict[str, Any]] = [
        {"code_word": None},
        {"voicemail": dice.choice([False, None])},
        {"channels": ["sms", "phone"]},
        {"hours": "09:00-21:00"},
        {"channels": []},
    ]
    return usual if dice.says(0.5) else usual | dice.choice(differences)
