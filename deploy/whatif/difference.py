"""What would have been different: one outcome beside another, as figures and as lists of cases by their ids."""

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Hashable, Iterable, Mapping, Sequence
from datetime import datetime
from itertools import chain
from typing import Any, Final, TypeVar

from deploy.whatif.outcome import Outcome, Referral
from shared.events import Event
from shared.events.vocabulary import GRADES

#: A JSON object.
Document = dict[str, Any]
_T = TypeVar("_T")

#: Case, agency, purpose, and how often that was asked for before.
_Key = tuple[str, str, str, int]

#: The two sides, as they are called in the document.
NOW, THEN = "in_force", "other"
#: What may have become of a deadline.
STATES: Final = ("in_time", "missed", "not_known")


def difference(now: Outcome, then: Outcome, said: Sequence[Event]) -> Document:
    """Return what differs.

    Args:
        now: under the rules in force.
        then: under the others.
        said: receipts of agencies. What an agency did for a referral counts on both sides.
    """
    found = _all(now, then, said)
    return {"differs": any(_tells(part) for part in found.values()), **found}


def _all(now: Outcome, then: Outcome, said: Sequence[Event]) -> Document:
    return {
        "reports": _both(now, then, lambda one: one.reports),
        "cases": _both(now, then, lambda one: len(one.cases)),
        "grades": _grades(now, then),
        "referrals": _referrals(now, then),
        "deadlines": _deadlines(now, then, said),
        "consents_to_ask_for": _listed(now, then, lambda one: one.consents, "case", "agency", "purpose"),
        "mediation_refused": _listed(now, then, lambda one: {(case,) for case in one.unmediated}, "case"),
        "volunteers": _volunteers(now, then),
        "notices": _notices(now, then),
    }


def _tells(part: Document) -> bool:
    """Tell whether a part says that something differs."""
    if NOW not in part:
        return any(_tells(one) for one in part.values())
    return part[NOW] != part[THEN] or any(rows for side, rows in part.items() if side not in {NOW, THEN})


def _both(now: Outcome, then: Outcome, figure: Callable[[Outcome], Any]) -> Document:
    return {NOW: figure(now), THEN: figure(then)}


def _grades(now: Outcome, then: Outcome) -> Document:
    """Return the grade of each case after its last report in the period."""
    moves: dict[tuple[str, str], list[str]] = defaultdict(list)
    reasons = []
    for case in sorted({*now.cases, *then.cases}):
        before, after = now.cases.get(case), then.cases.get(case)
        if before is None or after is None:
            moves["" if before is None else before.grade, "" if after is None else after.grade].append(case)
            continue
        if before.grade != after.grade:
            moves[before.grade, after.grade].append(case)
        if before.reasons != after.reasons:
            gone, new = ([one for one in a if one not in b] for a, b in _pair(before.reasons, after.reasons))
            reasons.append({"case": case, "gone": gone, "new": new})
    order = sorted(moves, key=lambda move: [GRADES.index(grade) if grade else -1 for grade in move])
    return {
        **_both(now, then, lambda one: _counted((case.grade for case in one.cases.values()), GRADES)),
        "moved": [_move(a, b, moves[a, b]) for a, b in order],
        "reasons": reasons,
    }


def _move(before: str, after: str, cases: Sequence[str]) -> Document:
    return {"from": before or None, "to": after or None, "count": len(cases), "cases": list(cases)}


def _referrals(now: Outcome, then: Outcome) -> Document:
    before, after = _keyed(now), _keyed(then)
    changed = []
    for key in sorted({*before} & {*after}):
        if fields := _changed(before[key], after[key]):
            case, agency, purpose, _ = key
            changed.append({"case": case, "agency": agency, "purpose": purpose, "fields": fields})
    return {
        **_both(now, then, lambda one: len(one.referrals)),
        "new": _grouped([key for key in after if key not in before]),
        "gone": _grouped([key for key in before if key not in after]),
        "changed": changed,
    }


def _keyed(outcome: Outcome) -> dict[_Key, Referral]:
    """Return referrals by what they are for, in their order."""
    times: Counter[tuple[str, str, str]] = Counter()
    found = {}
    for one in outcome.referrals.values():
        what = (one.case, one.agency, one.purpose)
        found[(*what, times[what])] = one
        times[what] += 1
    return found


def _changed(before: Referral, after: Referral) -> Document:
    names = ("basis", "requested_at", "acknowledge_by", "finish_by", "cancelled")
    values = {name: [_plain(getattr(one, name)) for one in (before, after)] for name in names}
    return {name: pair for name, pair in values.items() if pair[0] != pair[1]}


def _grouped(keys: Iterable[_Key]) -> list[Document]:
    """Return referrals by agency and purpose."""
    cases: dict[tuple[str, str], list[str]] = defaultdict(list)
    for case, agency, purpose, _ in sorted(keys):
        cases[agency, purpose].append(case)
    return [
        {"agency": agency, "purpose": purpose, "count": len(found), "cases": found}
        for (agency, purpose), found in sorted(cases.items())
    ]


def _deadlines(now: Outcome, then: Outcome, said: Sequence[Event]) -> Document:
    """Return what became of deadlines, as far as agencies said when they received a referral and acted on it."""
    when: dict[_Key, dict[str, datetime]] = defaultdict(dict)
    keys = {one.id: key for key, one in _keyed(now).items()}
    for event in said:
        key = keys.get(event.data["referral_id"] or "")
        if key:
            when[key].setdefault(event.data["receipt"], datetime.fromisoformat(event.data["at"]))
    return {
        "acknowledge": _both(now, then, lambda one: _met(one, when, ("received", "acted"), lambda r: r.acknowledge_by)),
        "finish": _both(now, then, lambda one: _met(one, when, ("acted",), lambda r: r.finish_by)),
    }


def _met(
    outcome: Outcome,
    when: Mapping[_Key, Mapping[str, datetime]],
    receipts: Sequence[str],
    limit: Callable[[Referral], datetime],
) -> Document:
    states = []
    for key, one in _keyed(outcome).items():
        if one.cancelled:
            continue
        done = min((when[key][name] for name in receipts if name in when.get(key, ())), default=None)
        states.append("not_known" if done is None else "in_time" if done < limit(one) else "missed")
    return _counted(states, STATES)


def _volunteers(now: Outcome, then: Outcome) -> Document:
    def figures(one: Outcome) -> Document:
        return {
            "assignments": len(one.assigned),
            "volunteers": len({volunteer for _, _, volunteer in one.assigned}),
            "nobody_fits": len(one.nobody),
        }

    before, after = Counter(now.assigned), Counter(then.assigned)
    return {
        **_both(now, then, figures),
        "new": _rows((after - before).elements(), "case", "skill", "volunteer"),
        "gone": _rows((before - after).elements(), "case", "skill", "volunteer"),
    }


def _notices(now: Outcome, then: Outcome) -> Document:
    def figures(one: Outcome) -> Document:
        return _counted((way.partition(":")[0] for _, way in one.notices.values()), ())

    changed = []
    for report in sorted({*now.notices, *then.notices}):
        before, after = now.notices.get(report), then.notices.get(report)
        if before != after:
            case = next(one[0] for one in (after, before) if one)
            changed.append({"case": case, "from": before[1] if before else None, "to": after[1] if after else None})
    return {**_both(now, then, figures), "changed": changed}


def _listed(now: Outcome, then: Outcome, of: Callable[[Outcome], Collection[tuple[str, ...]]], *names: str) -> Document:
    before, after = of(now), of(then)
    return {
        **_both(now, then, lambda one: len(of(one))),
        "new": _rows((row for row in after if row not in before), *names),
        "gone": _rows((row for row in before if row not in after), *names),
    }


def _rows(found: Iterable[tuple[str, ...]], *names: str) -> list[Document]:
    return [dict(zip(names, row, strict=True)) for row in sorted(found)]


def _counted(values: Iterable[_T], order: Sequence[_T]) -> dict[_T, int]:
    """Return how often each value comes; those of the order always, the others by the alphabet."""
    counts: Counter[Hashable] = Counter(values)
    others = sorted((value for value in counts if value not in order), key=str)
    return {value: counts[value] for value in chain(order, others)}  # type: ignore[misc]


def _pair(one: _T, other: _T) -> tuple[tuple[_T, _T], tuple[_T, _T]]:
    return (one, other), (other, one)


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else value
