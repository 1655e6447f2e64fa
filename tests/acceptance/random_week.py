"""Weeks that nobody wrote: few persons who meet again and again in every role, so that rules cross."""

import random
from datetime import datetime, timedelta
from typing import Any

from shared.events.vocabulary import AGENCIES, CATEGORIES, CHANNELS, FACTORS, ROLES, SAFE_CHANNELS, SKILLS, WISHES
from shared.rules import CHINA

_START = datetime(2025, 3, 1, tzinfo=CHINA)
_DISTRICTS = ("3303", "330302", "330302004", "330302004012", "330302005", "330381", "330381007", "33038100720301")
_HOURS = (None, "09:00-16:00", "20:00-07:00", "12:00-12:00", "00:00-23:59")
_CERTIFICATES = ("律师", "心理咨询师")


class RandomWeek:
    """Reports and volunteers that follow from a seed."""

    def __init__(self, seed: int, *, persons: int = 6) -> None:
        self._random = random.Random(seed)
        self._persons = [self._person(number) for number in range(persons)]
        self._time = _START
        self._number = 0

    def reports(self, amount: int) -> list[dict[str, Any]]:
        """Return reports in order of receipt."""
        return [self._report() for _ in range(amount)]

    def volunteers(self, amount: int) -> list[dict[str, Any]]:
        """Return volunteers, few of them without any fault."""
        return [self._volunteer(number) for number in range(amount)]

    def _person(self, number: int) -> dict[str, Any]:
        return {
            # Some share a name, and some a phone.
            "name": f"人{number % 4}",
            "phone": f"1380000000{number % 5}",
            "id_number": f"33030219900101000{number}",
            "birth_date": f"{2005 + number % 5}-0{1 + number % 9}-15",
        }

    def _some(self, person: dict[str, Any], *fields: str) -> dict[str, Any] | None:
        if self._chance(0.1):
            return None
        return {name: person[name] for name in fields if self._chance(0.6)}

    def _report(self) -> dict[str, Any]:
        self._time += timedelta(minutes=self._random.choice((0, 1, 30, 600, 3_000, 43_200)))
        self._number += 1
        client, accused = self._random.sample(self._persons, 2)
        reporter = {"role": self._random.choice((*ROLES, "self", "self", "police"))}
        if self._chance(0.3):
            reporter |= {"name": client["name"], "phone": client["phone"]}
        return {
            "report_key": f"R-{self._number}",
            "channel": self._random.choice(CHANNELS),
            "received_at": self._time.isoformat(),
            "district": self._random.choice(_DISTRICTS),
            "reporter": reporter,
            "client": self._some(client, "name", "phone", "id_number", "birth_date"),
            "accused": self._some(accused, "name", "phone", "id_number"),
            "category": self._random.choice((None, *CATEGORIES)) if self._chance(0.7) else "marriage_dispute",
            "narrative": "…",
            "immediate_danger": self._chance(0.05),
            "risk_factors": self._random.sample(FACTORS, self._random.choice((0, 0, 0, 1, 1, 2, 5, 12))),
            "consent": {"agencies": self._random.sample(AGENCIES, 3)} if self._chance(0.3) else None,
            "safe_contact": self._safe_contact() if self._chance(0.4) else None,
            "wishes": self._random.sample(WISHES, self._random.choice((0, 0, 1, 2, 4))),
        }

    def _safe_contact(self) -> dict[str, Any]:
        channels = self._random.sample(SAFE_CHANNELS, self._random.choice((0, 1, 1, 2)))
        return {"channels": channels, "hours": self._random.choice(_HOURS)}

    def _volunteer(self, number: int) -> dict[str, Any]:
        enemy = self._random.choice(self._persons)
        return {
            "id": f"v{number:03d}",
            "name": enemy["name"] if self._chance(0.05) else f"志愿者{number}",
            "sex": "female",
            "skills": self._random.sample(SKILLS, self._random.choice((1, 2, 3))),
            "certificates": [{"name": name, "expires": self._day(200, 900)} for name in _CERTIFICATES],
            "trained_on": self._day(-200, 400),
            "record_checked_on": self._day(-200, 400),
            "districts": self._random.sample(_DISTRICTS, self._random.choice((1, 2))),
            "hours": [],
            "capacity": self._random.choice((0, 1, 2, 5)),
            "must_not_meet": [enemy["phone"], enemy["name"]][: self._random.choice((0, 0, 1, 2))],
            "active": self._chance(0.9),
        }

    def _day(self, first: int, last: int) -> str:
        return (_START + timedelta(days=self._random.randint(first, last))).date().isoformat()

    def _chance(self, share: float) -> bool:
        return self._random.random() < share
