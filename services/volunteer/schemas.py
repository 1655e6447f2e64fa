"""What comes in: a volunteer as the register has her."""

from collections.abc import Mapping
from typing import Any, ClassVar

from shared.events import vocabulary as v
from shared.runtime.field import Code, Count, Day, Flag, Items, Part, Text
from shared.runtime.form import Form

SKILL = "|".join(skill for skill in v.SKILLS) + r"|dialect:[^\s:]{1,30}"
TIME = r"([01][0-9]|2[0-3]):[0-5][0-9]|24:00"
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


class Certificate(Form):
    """What an office has certified."""

    name = Text(50, required=True)
    expires = Day(future=True, required=True)


class Hours(Form):
    """A weekly window; for rosters, not for matching."""

    day = Code(DAYS, required=True)
    from_ = Text(5, required=True, pattern=TIME, what="a time of day, as in 14:00", data_key="from")
    to = Text(5, required=True, pattern=TIME, what="a time of day, as in 17:00")


class Volunteer(Form):
    """A registered volunteer."""

    id = Text(12, required=True, pattern=r"[a-z]{1,3}[0-9]{1,6}", what="a short id, as in v012")
    name = Text(100, required=True)
    sex = Code(("female", "male"))
    skills = Items(Text(40, required=True, pattern=SKILL, what="a skill, as in law or dialect:…"), 30, required=True)
    certificates = Items(Part(Certificate, required=True), 30)
    trained_on = Day(future=True)
    record_checked_on = Day(future=True)
    districts = Items(
        Text(14, required=True, pattern=v.DISTRICT_PATTERN, what="2, 4, 6, 9, 12 or 14 digits (GB/T 2260)"),
        50,
        required=True,
    )
    hours = Items(Part(Hours, required=True), 100)
    capacity = Count(0, 1_000, required=True)
    must_not_meet = Items(Text(100, required=True), 1_000)
    active = Flag(required=True)

    example: ClassVar[Mapping[str, Any]] = {
        "id": "v012",
        "name": "周某",
        "sex": "female",
        "skills": ["law", "dialect:温州话"],
        "certificates": [{"name": "律师", "expires": "2028-12-31"}],
        "trained_on": "2025-09-01",
        "record_checked_on": "2025-09-01",
        "districts": ["330302"],
        "hours": [{"day": "tue", "from": "14:00", "to": "17:00"}],
        "capacity": 3,
        "must_not_meet": ["13800000002"],
        "active": True,
    }
