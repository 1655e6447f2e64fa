"""To whom a case goes, and when mediation is refused."""

from dataclasses import dataclass

from tests.acceptance.oracle.case import Case
from tests.acceptance.oracle.report import VIOLENCE

FACTORS_AGAINST_MEDIATION = {
    "injury",
    "very_frightened",
    "fears_further_harm",
    "stalking",
    "abuse_more_often",
    "abuse_getting_worse",
    "controlling_or_jealous",
    "weapon_used",
    "threat_to_kill",
    "strangulation",
    "sexual_abuse",
    "threatened_by_others",
    "hurt_others",
    "breached_order",
}
LIFE = {"immediate_danger", "breached_order", "strangulation", "threat_to_kill_and_weapon"}
#: Agency, purpose and basis.
Referral = tuple[str, str, str]


@dataclass(frozen=True, kw_only=True)
class Refusal:
    """What a bar against mediation does to a case."""

    is_said: bool
    cancelled: list[list[str]]
    released: set[str]


def refuse_mediation(case: Case, *, wished_now: bool) -> Refusal:
    """Take mediation from a case that is barred: a wish is refused, what was asked for before ends."""
    barred_before, case.is_barred_from_mediation = case.is_barred_from_mediation, _is_barred(case)
    if not case.is_barred_from_mediation:
        return Refusal(is_said=False, cancelled=[], released=set())
    if barred_before:
        return Refusal(is_said=wished_now, cancelled=[], released=set())
    mediator = case.assigned.pop("mediation", None)
    return Refusal(
        is_said="mediation" in case.wishes,
        cancelled=[["justice", "mediation"]] if ("justice", "mediation") in case.referred else [],
        released={mediator} if mediator else set(),
    )


def _is_barred(case: Case) -> bool:
    return bool(
        case.categories & (VIOLENCE | {"sexual_harassment"})
        or case.factors & FACTORS_AGAINST_MEDIATION
        or case.grade in {"orange", "red"}
        or case.is_counter_report
    )


def refer(case: Case) -> tuple[list[list[str]], list[list[str]]]:
    """Run the table; return the new referrals, and for what a caseworker is newly to ask consent."""
    referrals, tasks = [], []
    for agency, purpose, basis in _wanted(case):
        if (agency, purpose) in case.referred:
            continue
        if basis != "consent" or agency in case.consents:
            case.referred.add((agency, purpose))
            referrals.append([agency, purpose, basis])
        elif (agency, purpose) not in case.consent_asked:
            case.consent_asked.add((agency, purpose))
            tasks.append([agency, purpose])
    return sorted(referrals), sorted(tasks)


def _wanted(case: Case) -> list[Referral]:
    """Return what the lines of the table say, before consent is looked at."""
    return [line for line, holds in (_in_danger(case) | _on_her_wish(case) | _by_category(case)).items() if holds]


def _in_danger(case: Case) -> dict[Referral, bool]:
    categories = case.categories
    violent = bool(categories & {"domestic_violence", "sexual_assault", "trafficking"})
    told_by_police = any(report.channel == "police_110" and report.is_violence for report in case.reports)
    desperate = "psychological" in categories or "depressed_or_suicidal" in case.factors
    return {
        ("police", "mandatory_report", "duty"): case.is_child and not told_by_police,
        ("procuratorate", "file_and_supervise", "duty"): case.is_child,
        ("civil_affairs", "child_protection", "duty"): case.is_child,
        ("police", "protect", "life"): bool(case.reasons & LIFE) or (violent and case.grade == "red"),
        ("health", "crisis_care", "life"): "immediate_danger" in case.reasons and desperate,
        ("police", "warn_or_investigate", "consent"): violent and case.grade == "orange",
    }


def _on_her_wish(case: Case) -> dict[Referral, bool]:
    wishes, categories = case.wishes, case.categories
    basis = "duty" if case.is_child else "consent"
    violence_at_red = "domestic_violence" in categories and case.grade == "red"
    hurt = "injury" in case.factors and bool(categories & VIOLENCE)
    mediated = "mediation" in wishes and bool(categories) and not case.is_barred_from_mediation
    return {
        ("court", "protection_order", basis): "protection_order" in wishes
        or (violence_at_red and "court" in case.consents),
        ("justice", "legal_aid", basis): bool(wishes & {"legal_advice", "legal_aid"}),
        ("civil_affairs", "shelter", basis): "shelter" in wishes,
        ("health", "injury_care", basis): "injury_appraisal" in wishes or hurt,
        ("justice", "mediation", "consent"): mediated,
        ("civil_affairs", "relief", "consent"): "financial_aid" in wishes,
    }


def _by_category(case: Case) -> dict[Referral, bool]:
    categories = case.categories
    return {
        ("human_resources", "labour_rights", "consent"): "labour_rights" in categories,
        ("agriculture", "land_rights", "consent"): "property_and_land" in categories,
        ("education", "school_care", "duty"): "left_behind_child" in categories,
        ("grid", "hazard_list", "duty"): case.grade != "blue"
        and "home_visit" in case.channels
        and not categories & VIOLENCE,
    }
