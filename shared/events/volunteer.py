"""The events that volunteer publishes: who is registered, and who helps in which case."""

from shared.events.case import CASE_ID
from shared.events.declaration import Publisher
from shared.events.fields import Code, Count, Data, District, Flag, Id, ListOf, OpenCode, Pattern
from shared.events.vocabulary import DIALECT_PREFIX, GRADES, SKILLS

publisher = Publisher("volunteer")

_VOLUNTEER_ID = "v012"


#: A code of the vocabulary, or a dialect, of which no list can be complete. A dialect's name ends in "speech" or
#: "language", so that no person's name is one.
SKILL = "|".join([*SKILLS, DIALECT_PREFIX + r"([a-z]{1,20}|[\u4e00-\u9fff]{1,8}[话语言腔])"])


class Skill(Pattern):
    """A skill of volunteers."""

    def __init__(self) -> None:
        super().__init__(SKILL, "a skill")


@publisher.event(
    "volunteer.registered",
    version=1,
    reason="Volunteer's own register; this is for subscribers who count.",
    example={
        "volunteer_id": _VOLUNTEER_ID,
        "skills": ["dialect:温州话", "law"],
        "districts": ["330302"],
        "capacity": 3,
        "active": True,
    },
)
class VolunteerRegistered(Data):
    """A volunteer was registered, or her record changed."""

    volunteer_id = Id()
    skills = ListOf(Skill())
    districts = ListOf(District())
    capacity = Count(to=1000, about="Open cases at a time.")
    active = Flag()


@publisher.event(
    "volunteer.assigned",
    version=1,
    reason="The volunteer is told by a person until there is a channel to volunteers.",
    example={
        "volunteer_id": _VOLUNTEER_ID,
        "case_id": CASE_ID,
        "skill": "law",
        "district": "330302",
        "grade": "orange",
    },
)
class VolunteerAssigned(Data):
    """A volunteer takes a skill that a case asks for."""

    volunteer_id = Id()
    case_id = Id()
    skill = Skill()
    district = District()
    grade = Code(GRADES)


@publisher.event(
    "volunteer.released",
    version=1,
    reason="The volunteer is told by a person until there is a channel to volunteers.",
    example={"volunteer_id": _VOLUNTEER_ID, "case_id": CASE_ID, "skill": "law", "reason": "must_not_meet"},
)
class VolunteerReleased(Data):
    """A volunteer no longer helps in a case."""

    volunteer_id = Id()
    case_id = Id()
    skill = Skill()
    reason = OpenCode()


@publisher.event(
    "volunteer.none_eligible",
    version=1,
    reason="It is a supervisor's task; every later report of the case asks again.",
    example={"case_id": CASE_ID, "skill": "psychology", "district": "330302", "grade": "orange"},
)
class VolunteerNoneEligible(Data):
    """A case asks for a skill and no volunteer may and can help."""

    case_id = Id()
    skill = Skill()
    district = District()
    grade = Code(GRADES)
