"""Reports about the households of a town."""

from datetime import datetime, timedelta
from typing import Any

from tests.acceptance.random_week.codes import (
    AGENCIES,
    CALM_CATEGORIES,
    CALM_FACTORS,
    CATEGORIES,
    CHANNELS,
    DISTRICTS,
    FACTORS,
    PROFESSIONALS,
    WISHES,
)
from tests.acceptance.random_week.contact import altered, safe_contact
from tests.acceptance.random_week.dice import Dice
from tests.acceptance.random_week.town import Household, Person, Town

_OTHERS = ["relative", "neighbour", "anonymous"]
_ROLES = [*["self"] * 9, *PROFESSIONALS, "police", "police", *_OTHERS]
#: What a client uses who reports herself: half of it without anybody who asks for the code word.
_HER_CHANNELS = ["wechat", "web_mailbox", "letter", "hotline_12338", "hotline_12338", "visit"]


class Writer:
    """Writes reports; what nobody fixes is left to chance."""

    def __init__(self, dice: Dice, town: Town) -> None:
        self.dice = dice
        self.town = town
        #: All that were written, with their times.
        self.written: list[tuple[datetime, dict[str, Any]]] = []

    def report(self, household: Household, time: datetime, **fixed: Any) -> None:
        """Write a report on a household, with fields as they are fixed; None leaves a field out."""
        dice = self.dice
        role = dice.choice(_ROLES)
        report: dict[str, Any] = {
            "channel": self._channel(role),
            "received_at": dice.written(time),
            "district": household.district if dice.says(0.7) else dice.choice(DISTRICTS),
            **self._persons(household, role),
            "narrative": f"第{dice.randint(0, 9)}次来电",
            **self._matter(household),
            **self._wants(household, time),
        }
        report = {name: value for name, value in (report | fixed).items() if name not in fixed or value is not None}
        household.times.append(time)
        self.written.append((time, report))

    def joining_report(self, household: Household, time: datetime, **fixed: Any) -> None:
        """Write a report that gives the client's own name and phone, and no id number."""
        client = household.client.fields("name", "phone")
        if self.dice.says(0.5):
            client |= household.client.fields("birth_date")
        accused = household.accused
        if accused.phone != household.client.phone and self.dice.says(0.7):
            fixed = {"accused": accused.fields("name", "phone"), **fixed}
        self.report(household, time, **{"accused": None, "client": client, **fixed})

    def consent(self, time: datetime, *agencies: str) -> dict[str, Any]:
        """Return a consent to agencies."""
        return {"agencies": list(agencies), "given_at": self.dice.written(time)}

    def _channel(self, role: str) -> str:
        if role == "police" and self.dice.says(0.8):
            return "police_110"
        if role == "self" and self.dice.says(0.4):
            return self.dice.choice(_HER_CHANNELS)
        return self.dice.choice(CHANNELS)

    def _persons(self, household: Household, role: str) -> dict[str, Any]:
        dice = self.dice
        accused = household.accused if dice.says(0.97) else dice.choice(self.town.persons)
        hers = self._told(household.client, {"name": 0.75, "phone": 0.55, "id_number": 0.3, "birth_date": 0.5})
        his = self._told(accused, {"name": 0.6, "phone": 0.5, "id_number": 0.22})
        reporter = {"role": role}
        if role == "self":
            reporter |= self._told(household.client, {"name": 0.5, "phone": 0.5})
        elif dice.says(0.5):
            reporter |= {"name": dice.choice(self.town.names), "phone": dice.choice(self.town.phones)}
        phone = hers.get("phone") or reporter.get("phone")
        if phone and dice.says(0.07):
            his["phone"] = phone
        if hers.get("name") and his.get("name") and dice.says(0.03):
            hers["name"], his["name"] = his["name"], hers["name"]
        if role == "anonymous" and dice.says(0.6):
            hers = {}
        persons = {"reporter": reporter, "client": hers, "accused": his}
        return {name: person for name, person in persons.items() if dice.says(0.97)}

    def _told(self, person: Person, shares: dict[str, float]) -> dict[str, Any]:
        """Return what a report tells of a person: each field in a share of reports, and not always the right one."""
        told: dict[str, Any] = {}
        for name, share in shares.items():
            if self.dice.says(share):
                right = self.dice.says(0.95)
                told |= (person if right else self.dice.choice(self.town.persons)).fields(name)
            elif self.dice.says(0.1):
                told[name] = None
        if self.dice.says(0.08) and told.get("birth_date"):
            told["birth_date"] = str(self.town.about_a_year_from(person.birth_date))
        return told

    def _matter(self, household: Household) -> dict[str, Any]:
        dice = self.dice
        category = household.category
        if dice.says(0.25):
            category = dice.choice(CALM_CATEGORIES if household.calm and dice.says(0.7) else CATEGORIES)
        danger = dice.says(0.03 if household.calm else 0.07)
        return {
            "category": category,
            "immediate_danger": danger or dice.choice([False, False, None]),
            "risk_factors": self._factors(household),
            "children": [{"age": dice.randint(0, 17), "sex": dice.choice(["female", "male"])}]
            if dice.says(0.1)
            else None,
        }

    def _factors(self, household: Household) -> list[str] | None:
        dice = self.dice
        kind = dice.random()
        if household.calm:
            if kind < 0.1:
                return [*household.usual_factors, *dice.some(FACTORS[10:], 1, 2)]
            if kind < 0.15:
                return dice.some(CALM_FACTORS, 8, 9, 10)
            return household.usual_factors if kind < 0.6 else None
        if kind < 0.35:
            return dice.choice([[], None])
        if kind < 0.75:
            return dice.some(FACTORS, 1, 2, 3, 4)
        if kind < 0.8:
            return dice.some(["separated_or_trying", "controlling_or_jealous", "injury"], 2, 3, 3)
        if kind < 0.85:
            return dice.some(["threat_to_kill", "weapon_used"], 1, 2)
        return dice.some(FACTORS, 5, 8, 9, 10, 11, 13, 14, 15, 20, 24)

    def _wants(self, household: Household, time: datetime) -> dict[str, Any]:
        """Return consent, safe contact and wishes, each in half of the reports."""
        dice = self.dice
        consent = self.consent(time, *dice.some(AGENCIES, 0, 1, 2, 3, 5)) if dice.says(0.55) else None
        wishes = dice.some(WISHES, 0, 1, 1, 2, 3, 5) if dice.says(0.55) else None
        if wishes is not None and dice.says(0.35):
            wishes = list(dict.fromkeys([*wishes, "mediation"]))
        wants = {"consent": consent, "safe_contact": self._contact(household, time), "wishes": wishes}
        return {name: value for name, value in wants.items() if value is not None or dice.says(0.1)}

    def _contact(self, household: Household, time: datetime) -> dict[str, Any] | None:
        dice = self.dice
        if dice.says(0.5):
            return None
        if household.safe_contact is None or dice.says(0.3):
            household.safe_contact = safe_contact(dice, time)
        elif dice.says(0.3):
            household.safe_contact = altered(dice, household.safe_contact, time)
        return dict(household.safe_contact)


def minutes(amount: float) -> timedelta:
    """Return so many minutes."""
    return timedelta(minutes=amount)
