"""Who lives there."""

from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from tests.acceptance.random_week.codes import CALM_CATEGORIES, CALM_FACTORS, CATEGORIES, DISTRICTS
from tests.acceptance.random_week.dice import Dice

_NAMES = [f"{surname}某{given}" for surname in "王李张刘陈杨赵黄周吴徐孙" for given in ("", "英", "芳", "霞")]
#: Who is born here turns 18 in the week or right beside it.
_OF_AGE_IN_THE_WEEK = date(2008, 3, 4)


@dataclass(kw_only=True)
class Person:
    """Somebody, whether or not a report says all of this."""

    name: str
    phone: str
    id_number: str
    birth_date: date

    def fields(self, *names: str) -> dict[str, str]:
        """Return some of what a report can say of her."""
        return {name: str(getattr(self, name)) for name in names}


@dataclass(kw_only=True)
class Household:
    """Two persons of whom one accuses the other."""

    client: Person
    accused: Person
    district: str
    category: str | None
    #: Nothing serious is likely to be reported of it.
    calm: bool
    usual_factors: list[str] = field(default_factory=list)
    #: The safe contact that was named last.
    safe_contact: dict[str, Any] | None = None
    #: When reports of it came.
    times: list[datetime] = field(default_factory=list)


class Town:
    """Persons who share names, phones and nearly their birth dates, in households of which some are two sides."""

    def __init__(self, dice: Dice, reports: int) -> None:
        self._dice = dice
        self.names = dice.sample(_NAMES, max(6, min(reports // 6, 30)))
        self.phones = [f"1380000{number}" for number in dice.sample(range(1000, 9999), max(6, reports // 5))]
        self.ids = [self._id_number() for _ in range(max(5, reports // 6))]
        self.persons: list[Person] = []
        for _ in range(max(8, reports // 4)):
            self.persons.append(self._person())
        self.households: list[Household] = []
        for _ in range(max(6, reports // 3)):
            self.households.append(self._household())

    def newcomers(self) -> Household:
        """Return a household of two whom nobody knows yet."""
        client, accused = (
            Person(
                name=self._dice.choice(self.names),
                phone=self.unknown_phone(),
                id_number=self._id_number(),
                birth_date=self._birth_date(),
            )
            for _ in range(2)
        )
        self.persons += [client, accused]
        district, category = self._dice.choice(DISTRICTS), self._dice.choice(CALM_CATEGORIES)
        self.households.append(
            Household(client=client, accused=accused, district=district, category=category, calm=True)
        )
        return self.households[-1]

    def unknown_phone(self) -> str:
        """Return a phone that nobody has."""
        return f"1380001{self._dice.randrange(10_000):04d}"

    def about_a_year_from(self, day: date) -> date:
        """Return a date about one calendar year away, to the day or beside it."""
        year = day.year + self._dice.choice([-1, 1])
        try:
            anniversary = day.replace(year=year)
        except ValueError:
            anniversary = date(year, *self._dice.choice([(2, 28), (3, 1)]))
        return min(anniversary if self._dice.says(0.6) else self._dice.near(anniversary, 1), date(2025, 2, 1))

    def _person(self) -> Person:
        dice = self._dice
        name, birth_date = dice.choice(self.names), self._birth_date()
        if self.persons and dice.says(0.25):
            other = dice.choice(self.persons)
            name = other.name
            birth_date = self.about_a_year_from(other.birth_date) if dice.says(0.8) else other.birth_date
        return Person(name=name, phone=dice.choice(self.phones), id_number=dice.choice(self.ids), birth_date=birth_date)

    def _household(self) -> Household:
        dice = self._dice
        client, accused = dice.sample(self.persons, 2)
        if self.households and dice.says(0.3):
            client, accused = self._beside(dice.choice(self.households), client)
        calm = dice.says(0.6)
        return Household(
            client=client,
            accused=accused,
            district=dice.choice(DISTRICTS),
            category=dice.choice(CALM_CATEGORIES if calm else CATEGORIES),
            calm=calm,
            usual_factors=dice.some(CALM_FACTORS, 0, 0, 1, 3),
        )

    def _beside(self, other: Household, person: Person) -> tuple[Person, Person]:
        """Return the client and the accused of a household that is the other side of another, or a link to it."""
        pairs = [(other.accused, other.client), (other.accused, person), (person, other.client)]
        pairs = [pair for pair in pairs if pair[0] is not pair[1]]
        return self._dice.choice(pairs)

    def _birth_date(self) -> date:
        dice = self._dice
        kind = dice.random()
        if kind < 0.35:
            return dice.near(_OF_AGE_IN_THE_WEEK, 6)
        if kind < 0.45:
            return date(2008, 2, 29)
        if kind < 0.6:
            return dice.choice(
                [date(1987, 2, 28), date(1987, 3, 1), date(1988, 2, 28), date(1988, 2, 29), date(1989, 3, 1)]
            )
        years = (2009, 2022) if kind < 0.7 else (1960, 2006)
        return date(dice.randint(*years), dice.randint(1, 12), dice.randint(1, 28))

    def _id_number(self) -> str:
        dice = self._dice
        day = f"{dice.randint(1960, 2015)}{dice.randint(1, 12):02d}{dice.randint(1, 28):02d}"
        return f"330302{day}{dice.randrange(10_000):04d}"
