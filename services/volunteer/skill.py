"""Which skills a case asks for, and which certificate a skill needs: the file rules/skills.yml."""

from datetime import timedelta
from pathlib import Path
from typing import Final

from msgspec import Struct

from shared.events.vocabulary import CERTIFICATES, SKILLS
from shared.rules import Condition, Subject, Table, condition, read

_SHIPPED: Final = Path(__file__).parent / "rules" / "skills.yml"


class SkillRule(Struct, frozen=True, kw_only=True):
    """When a case asks for a skill."""

    skill: str
    when: Condition
    #: Who gives the skill needs this certificate; None where none is needed.
    certificate: str | None


class SkillRules(Struct, frozen=True, kw_only=True):
    """The rules of a city; the skills in alphabetical order."""

    skills: tuple[SkillRule, ...]
    trained_within: timedelta
    record_checked_within: timedelta

    def asked_for(self, case: Subject) -> list[SkillRule]:
        """Return what a case asks for, in alphabetical order of the skills."""
        return [rule for rule in self.skills if rule.when(case)]


def load(folder: Path | None = None) -> SkillRules:
    """Read the rules, from `folder` where it has a skills.yml of its own.

    Raises:
        RuleError: the file says something that cannot be meant.
    """
    table = read(_SHIPPED, folder)
    rules = SkillRules(
        skills=tuple(sorted((_rule(entry) for entry in table.tables("skills")), key=lambda rule: rule.skill)),
        trained_within=timedelta(days=table.number("trained_within_days")),
        record_checked_within=timedelta(days=table.number("record_checked_within_days")),
    )
    table.end()
    return rules


def _rule(table: Table) -> SkillRule:
    rule = SkillRule(
        skill=table.text("skill", SKILLS),
        when=condition(table.table("when")),
        certificate=table.text("certificate", CERTIFICATES) if "certificate" in table else None,
    )
    table.end()
    return rule
