"""Stories of mediation: asked for, refused, lost; and of what a child or a court changes."""

from datetime import datetime, timedelta
from typing import Any

from tests.acceptance.random_week.codes import CALM_FACTORS, CATEGORIES, FACTORS
from tests.acceptance.random_week.reports import Writer, minutes

_CALM: dict[str, Any] = {"accused": None, "risk_factors": None, "immediate_danger": None}
_HERSELF = {"role": "self"}


def mediation_lost(writer: Writer, time: datetime) -> None:
    """A mediation that is asked for, and then barred by a factor, by a category or by the other side."""
    dice, household = writer.dice, writer.town.newcomers()
    asking: dict[str, Any] = {
        "reporter": _HERSELF,
        "immediate_danger": False,
        "risk_factors": dice.some(CALM_FACTORS, 0, 1, 2),
        "consent": writer.consent(time, "justice", *dice.some(["court", "health"], 0, 1)),
        "category": dice.choice(["marriage_dispute", "custody_and_support", "property_and_land", None]),
        "wishes": dice.choice([["mediation"], ["mediation", "legal_advice"], ["counselling", "mediation"], []]),
    }
    writer.joining_report(household, time - timedelta(hours=dice.randint(0, 200)), **asking)
    kind = dice.random()
    if kind < 0.3:
        writer.joining_report(household, time, risk_factors=dice.some(FACTORS, 1, 2, 10))
    elif kind < 0.5:
        writer.joining_report(household, time, category=dice.choice(CATEGORIES))
    elif kind < 0.8:
        client, accused = household.accused.fields("name", "phone"), household.client.fields("name", "phone")
        writer.report(writer.town.newcomers(), time, client=client, accused=accused, category="marriage_dispute")
    else:
        writer.joining_report(household, time, **asking)


def without_category(writer: Writer, time: datetime) -> None:
    """A wish for mediation in a case that gets its category late, or never."""
    dice, household = writer.dice, writer.town.newcomers()
    her = household.client.fields("name", "phone")
    consent = writer.consent(time, *dice.some(["justice"], 0, 1))
    fixed = {**_CALM, "client": her, "category": None, "wishes": ["mediation"]}
    writer.report(household, time, **fixed, reporter=_HERSELF, consent=consent)
    fixed["category"] = dice.choice([None, "marriage_dispute", "other"])
    fixed["wishes"] = dice.choice([["mediation"], None])
    fixed["risk_factors"] = dice.choice([["injury"], [], CALM_FACTORS])
    writer.report(household, time + minutes(5), **fixed)
    writer.report(household, time + minutes(9), **_CALM, client=her, wishes=dice.choice([["mediation"], None]))


def mediator_with_two_skills(writer: Writer, time: datetime) -> None:
    """Whoever mediates may also give a skill that the case still asks for when mediation is barred."""
    dice, household = writer.dice, writer.town.newcomers()
    her = household.client.fields("name", "phone")
    writer.report(
        household,
        time,
        **_CALM,
        client=her,
        category="marriage_dispute",
        wishes=["legal_advice", "mediation", "counselling"],
        reporter=_HERSELF,
        consent=writer.consent(time, "justice"),
    )
    factors = dice.choice([["stalking"], CALM_FACTORS, []])
    accused = {"name": dice.choice(writer.town.names)}
    writer.report(household, time + minutes(5), client=her, accused=accused, category=None, risk_factors=factors)
    writer.report(household, time + minutes(6), **_CALM, client=her, wishes=dice.choice([["mediation"], None]))


def two_sides(writer: Writer, time: datetime) -> None:
    """Two cases with volunteers, of which a later report shows that they are two sides of one matter."""
    dice, household = writer.dice, writer.town.newcomers()
    hers, his = (person.fields("name", "phone") for person in (household.client, household.accused))
    wishes = [["legal_advice"], ["mediation", "legal_advice"], ["mediation", "counselling"], ["mediation"]]
    for client in (hers, his):
        writer.report(
            household,
            time,
            **_CALM,
            client=client,
            category=dice.choice(["marriage_dispute", "custody_and_support", "domestic_violence"]),
            district=household.district,
            wishes=dice.choice(wishes),
            reporter=_HERSELF,
            consent=writer.consent(time, "justice"),
        )
        time += minutes(1)
    factors, category = dice.choice([[], ["injury"]]), dice.choice([None, "domestic_violence", "family_education"])
    writer.report(household, time, client=hers, accused=his, risk_factors=factors, category=category)
    writer.report(household, time + minutes(9), **_CALM, client=his, wishes=dice.choice([None, ["mediation"]]))


def child(writer: Writer, time: datetime) -> None:
    """A child case that the police may or may not know of, with wishes and with another kind of violence."""
    dice, household = writer.dice, writer.town.newcomers()
    client = household.client.fields("name", "phone")
    abuse = dice.choice(["child_abuse", "child_sexual_abuse"])
    writer.report(
        household,
        time,
        client=client | {"birth_date": "2016-05-01"},
        accused=None,
        category=dice.choice(["other", "left_behind_child", abuse]),
        channel="police_110",
        reporter={"role": "police"},
    )
    writer.report(
        household,
        time + minutes(1),
        client=client,
        accused=None,
        category=abuse,
        channel=dice.choice(["police_110", "mandatory_report"]),
        risk_factors=dice.some(["injury"], 0, 1),
        wishes=dice.choice([None, ["shelter", "protection_order", "mediation"], ["legal_aid"]]),
    )
    consent = writer.consent(time, *dice.some(["court"], 0, 1))
    reporter = {"role": dice.choice(["self", "teacher", "relative"])}
    fixed = {"client": client, "accused": None, "category": "domestic_violence", "wishes": None}
    writer.report(household, time + minutes(2), **fixed, consent=consent, reporter=reporter)


def court(writer: Writer, time: datetime) -> None:
    """Violence that reaches red, with and without her consent to tell the court, from whoever may say so."""
    dice, household = writer.dice, writer.town.newcomers()
    fixed = {"client": household.client.fields("name", "phone"), "accused": None, "wishes": None}
    agencies = [["court"], ["police", "health"], []]
    writer.report(
        household,
        time,
        **fixed,
        category="domestic_violence",
        immediate_danger=None,
        risk_factors=dice.some(["strangulation", "injury"], 1),
        consent=writer.consent(time, *dice.choice(agencies)),
    )
    writer.report(
        household,
        time + minutes(60),
        **fixed,
        category=dice.choice(["domestic_violence", "other"]),
        risk_factors=["breached_order"],
        consent=writer.consent(time, *dice.choice(agencies)),
        reporter={"role": dice.choice(["self", "doctor", "neighbour"])},
    )
