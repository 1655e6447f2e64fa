"""The events that volunteer publishes: who is registered, and who helps in which case."""

from shared.events.case import CASE_ID
from shared.events.declaration import Publisher
from shared.events.fields import Code, Count, Data, District, Flag, Id, ListOf, OpenCode, codes
from shared.events.vocabulary import GRADES, SKILLS

publisher = Publisher("volunteer")

_VOLUNTEER_ID = "v012"


@publisher.event(
    "volunteer.registered",
    version=1,
    reason="Volunteer's own register; this is for subscribers who count.",
    example={
        "volunteer_id": _VOLUNTEER_ID,
        "skills": ["law", "psychology"],
        "districts": ["330302"],
        "capacity": 3,
        "active": True,
    },
)
class VolunteerRegistered(Data):
    """A volunteer was registered, or her record changed."""

    volunteer_id = Id()
    skills = codes(SKILLS, about="A dialect is named in free words; it stays in the record.")
    districts = ListOf(District())
    capacity = Count(to=1000, about="Open cases at a time.")
    active = Flag()


@publisher.event(
    "volunteer.assigned",
    version=1,
    listeners=("feed",),
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
    skill = Code(SKILLS)
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
    skill = Code(SKILLS)
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
    skill = Code(SKILLS)
    district = District()
    grade = Code(GRADES)
