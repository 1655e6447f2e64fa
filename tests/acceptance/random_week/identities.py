"""Stories of who is who, each for a sentence of the rules that chance alone hardly reaches."""

from datetime import date, datetime, timedelta

from tests.acceptance.random_week.codes import PROFESSIONALS
from tests.acceptance.random_week.reports import Writer, minutes

#: Birth dates that are a year apart by anniversary, or by a day not.
_PAIRS = [
    (date(1988, 2, 29), date(1989, 3, 1)),
    (date(1988, 2, 29), date(1989, 2, 28)),
    (date(1987, 2, 28), date(1988, 2, 29)),
    (date(1987, 3, 1), date(1988, 2, 29)),
    (date(1987, 6, 15), date(1988, 6, 15)),
    (date(1987, 6, 15), date(1988, 6, 16)),
    (date(1990, 6, 15), date(1991, 6, 15)),
]


def born_a_year_apart(writer: Writer, time: datetime) -> None:
    """Clients of one name and nearly one birth date, in one county or beside it."""
    dice = writer.dice
    name = writer.town.newcomers().client.name
    pair = list(dice.choice(_PAIRS))
    if dice.says(0.5):
        pair[1] = writer.town.about_a_year_from(pair[0])
    dice.shuffle(pair)
    for born in pair:
        writer.report(
            writer.town.newcomers(),
            time,
            client={"name": name, "birth_date": str(born)},
            reporter={"role": "relative"},
            accused=None,
            district=dice.choice(["330302004012", "330302009", "330302", "330302", "330304009"]),
        )
        time += minutes(1)


def one_accused(writer: Writer, time: datetime) -> None:
    """A client without a phone, and an accused who is the same by phone, by id number, or by one of both only."""
    dice, household = writer.dice, writer.town.newcomers()
    for _ in range(dice.choice([2, 3])):
        accused = household.accused.fields("name", "phone")
        if dice.says(0.7):
            accused["id_number"] = dice.choice(writer.town.ids)
        if dice.says(0.2):
            accused.pop("phone")
        client = household.client.fields("name")
        if dice.says(0.4):
            client["phone"] = writer.town.unknown_phone()
        role = dice.choice([*PROFESSIONALS, "self", "relative"])
        writer.report(household, time, client=client, accused=accused, reporter={"role": role})
        time += minutes(dice.randint(0, 3))


def one_phone_for_both(writer: Writer, time: datetime) -> None:
    """A phone that is given for both sides, or for one and then for the other."""
    dice, household = writer.dice, writer.town.newcomers()
    phone = dice.choice(writer.town.phones)
    for _ in range(3):
        client, accused = (
            {**person.fields("name"), "phone": phone} for person in (household.client, household.accused)
        )
        if dice.says(0.3):
            client |= household.client.fields("id_number")
        if dice.says(0.4):
            dice.choice([client, accused]).pop("phone")
        if dice.says(0.3):
            client, accused = accused, client
        role = dice.choice(["self", "police"])
        writer.report(household, time, client=client, accused=accused, reporter={"role": role})
        time += minutes(1)


def phone_taken(writer: Writer, time: datetime) -> None:
    """Her phone is later given as his, and somebody calls from it."""
    dice, household = writer.dice, writer.town.newcomers()
    her, his = household.client, household.accused
    phone = her.fields("phone")
    writer.report(
        household,
        time,
        client=her.fields("name", "phone", "id_number"),
        accused=his.fields("name"),
        wishes=["mediation"],
    )
    police = {"role": "police"}
    accused = his.fields("name") | phone
    writer.report(
        household, time + minutes(1), client=her.fields("name", "id_number"), accused=accused, reporter=police
    )
    caller = dice.choice([her, his]).fields("name") | phone
    writer.report(household, time + minutes(2), client=caller, accused=None, reporter={"role": "self"})
    writer.report(household, time + minutes(3), client=accused, accused=her.fields("name"), reporter={"role": "self"})


def accused_found_out(writer: Writer, time: datetime) -> None:
    """A known client turns out to be the accused of a case, only by the id number that her second report brings."""
    town = writer.town
    household, other = town.newcomers(), town.newcomers()
    her, number = household.client.fields("name", "phone"), household.client.fields("id_number")
    calm = {"accused": None, "category": "marriage_dispute", "risk_factors": None, "immediate_danger": None}
    writer.report(household, time, client=her, wishes=["mediation"], **calm)
    writer.report(other, time + minutes(1), client=other.client.fields("name", "phone"), accused=number)
    writer.report(
        household, time + minutes(2), client=her | number, wishes=writer.dice.choice([["mediation"], None]), **calm
    )


def name_on_a_list(writer: Writer, time: datetime) -> None:
    """An accused whose name, perhaps on the list of a volunteer who helps, becomes known late."""
    dice, household = writer.dice, writer.town.newcomers()
    for number in range(dice.choice([3, 4])):
        writer.report(
            household,
            time,
            client=household.client.fields("name", "phone"),
            category=dice.choice(["domestic_violence", "marriage_dispute", "family_education"]),
            accused={"name": dice.choice(writer.town.names)} if number else None,
        )
        time += timedelta(minutes=dice.choice([0, 30, 600]))
