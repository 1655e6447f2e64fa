"""What comes in: a volunteer as the register has her."""

from shared.events import vocabulary as v
from shared.runtime.form import Code, Count, Day, Flag, Form, Items, Part, Text

DISTRICT = r"\d{2}|\d{4}|\d{6}|\d{9}|\d{12}|\d{14}"
SKILL = "|".join(skill for skill in v.SKILLS) + r"|dialect:[^\s:]{1,30}"
TIME = r"([01]\d|2[0-3]):[0-5]\d|24:00"
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

    id = Text(12, required=True, pattern=r"[a-z]{1,3}\d{1,6}", what="a short id, as in v012")
    name = Text(100, required=True)
    sex = Code(("female", "male"))
    skills = Items(Text(40, required=True, pattern=SKILL, what="a skill, as in law or dialect:…"), 30, required=True)
    certificates = Items(Part(Certificate, required=True), 30)
    trained_on = Day(future=True)
    record_checked_on = Day(future=True)
    districts = Items(
        Text(14, required=True, pattern=DISTRICT, what="2, 4, 6, 9, 12 or 14 digits (GB/T 2260)"), 50, required=True
    )
    hours = Items(Part(Hours, required=True), 100)
    capacity = Count(0, 1_000, required=True)
    must_not_meet = Items(Text(100, required=True), 1_000)
    active = Flag(required=True)
