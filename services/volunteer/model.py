"""Volunteer's pure core: who is registered, which skills a case asks for, who gives them and who must not."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import Any, ClassVar, Final, cast

from services.volunteer import ranking, skill
from services.volunteer.eligibility import CaseSeen, conflict, has_capacity, is_fit
from services.volunteer.skill import SkillRule
from services.volunteer.team import Team
from services.volunteer.volunteer import Volunteer, registered
from shared.events.vocabulary import COUNTY_DIGITS, SKILLS
from shared.kernel import Decision, Fact, Message, Model, Ref, Shelf, Wanted
from shared.rules import Subject, china_day

_HEARD: Final = frozenset({"report.received", "case.other_side_found"})
_MEDIATION: Final = "mediation"


class VolunteerModel(Model):
    """Command `register_volunteer` {"volunteer", "tokens"}; events `report.received` and `case.other_side_found`."""

    name: ClassVar[str] = "volunteer"
    kinds: ClassVar[Mapping[str, type]] = {"volunteer": Volunteer, "team": Team}
    resident: ClassVar[frozenset[str]] = frozenset({"volunteer"})

    def __init__(self, rules: Path | None = None) -> None:
        self._rules = skill.load(rules)

    def keys(self, ref: Ref, state: Any) -> Iterable[str]:
        return ranking.filed_under(state) if ref.kind == "volunteer" else ()

    def wants(self, message: Message) -> Wanted:
        if message.type not in _HEARD:
            return Wanted()
        return Wanted(refs=frozenset({Ref("team", message.data["case"]["id"])}))

    def decide(self, shelf: Shelf, message: Message) -> Decision:
        """Yield a registration, or what follows from a report: releases first, then the skills that are asked."""
        if message.type == "register_volunteer":
            return (yield from _register(shelf, message))
        if message.type in _HEARD:
            yield from self._staff(shelf, message)
        return None

    def evolve(self, shelf: Shelf, fact: Fact) -> None:
        data = fact.data
        volunteer: Volunteer | None = shelf.get("volunteer", data.get("volunteer_id", ""))
        if fact.type == "volunteer.registered":
            volunteer = registered(fact.private["record"], fact.private["tokens"], volunteer)
            shelf.put(Ref("volunteer", volunteer.id), volunteer)
            return
        team: Team = shelf.get("team", fact.case) or Team(id=fact.case)
        if fact.type == "volunteer.none_eligible":
            team = team.lacking(data["skill"])
        elif volunteer and fact.type == "volunteer.assigned":
            team = team.with_member(data["skill"], volunteer.id)
            shelf.put(Ref("volunteer", volunteer.id), volunteer.with_case(team.id, fact.time))
        elif volunteer and fact.type == "volunteer.released":
            team = team.without(data["skill"])
            if volunteer.id not in team.filled.values():
                shelf.put(Ref("volunteer", volunteer.id), volunteer.without_case(team.id))
        shelf.put(Ref("team", team.id), team)

    def _staff(self, shelf: Shelf, message: Message) -> Iterator[Fact]:
        snapshot = message.data["case"]
        case, subject = CaseSeen.of(snapshot), Subject.of(snapshot)
        barred = "mediation_barred" in subject.flags
        before: Team = shelf.get("team", case.id) or Team(id=case.id)
        # A report of another case takes away mediation; who helps both sides is released from the case reported on.
        own = message.type == "report.received"
        released = set()
        for given, volunteer_id in before.filled.items():
            reason = conflict(_volunteer(shelf, volunteer_id), case) if own else None
            if reason is None and barred and given == _MEDIATION:
                reason = "mediation_barred"
            if reason:
                released.add(given)
                yield _released(message, volunteer_id, given, reason)
        for rule in self._rules.asked_for(subject) if own else ():
            if rule.skill in released or rule.skill not in before.filled:
                yield self._asked(shelf, message, case, rule)

    def _asked(self, shelf: Shelf, message: Message, case: CaseSeen, rule: SkillRule) -> Fact:
        team: Team = shelf.get("team", case.id) or Team(id=case.id)
        members = [_volunteer(shelf, member) for member in team.members()]
        today = china_day(message.time)
        chosen = ranking.first(
            shelf, rule.skill, case.place, members, lambda one: self._is_eligible(one, case, rule, today)
        )
        snapshot = message.data["case"]
        data = {"case_id": case.id, "skill": rule.skill, "district": snapshot["district"], "grade": snapshot["grade"]}
        if chosen is None:
            return _fact(message, "volunteer.none_eligible", case.id, data)
        return _fact(message, "volunteer.assigned", chosen.id, {"volunteer_id": chosen.id, **data})

    def _is_eligible(self, volunteer: Volunteer, case: CaseSeen, rule: SkillRule, today: date) -> bool:
        return (
            is_fit(volunteer, rule, self._rules, today)
            and has_capacity(volunteer, case)
            and conflict(volunteer, case) is None
        )


def _volunteer(shelf: Shelf, volunteer_id: str) -> Volunteer:
    """Return a volunteer who is known to be registered: a team names her."""
    return cast(Volunteer, shelf.get("volunteer", volunteer_id))


def _register(shelf: Shelf, message: Message) -> Decision:
    record, tokens = message.data["volunteer"], message.data["tokens"]
    before: Volunteer | None = shelf.get("volunteer", record["id"])
    if registered(record, tokens, before) != before:
        public = {
            "volunteer_id": record["id"],
            # A dialect is named in free words; it stays in the record.
            "skills": sorted(one for one in record["skills"] if one in SKILLS),
            "districts": sorted({district[:COUNTY_DIGITS] for district in record["districts"]}),
            "capacity": record["capacity"],
            "active": record["active"],
        }
        yield Fact(
            type="volunteer.registered",
            subject=record["id"],
            case="",
            time=message.time,
            data=public,
            private={"record": record, "tokens": tokens},
        )
    return {"volunteer_id": record["id"]}


def _released(message: Message, volunteer_id: str, skill: str, reason: str) -> Fact:
    case_id = message.data["case"]["id"]
    data = {"volunteer_id": volunteer_id, "case_id": case_id, "skill": skill, "reason": reason}
    return _fact(message, "volunteer.released", volunteer_id, data)


def _fact(message: Message, type: str, subject: str, data: Mapping[str, Any]) -> Fact:
    return Fact(type=type, subject=subject, case=message.data["case"]["id"], time=message.time, data=data)
