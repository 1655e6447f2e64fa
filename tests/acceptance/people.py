"""Reports and volunteers for tests: only what a test is about has to be said. All persons are invented."""

from itertools import count
from typing import Any

_numbers = count(1)

NOON = "2026-03-02T12:00:00+08:00"
WANG: dict[str, Any] = {"name": "王某", "phone": "13800000001", "birth_date": "1991-05-02"}
LI: dict[str, Any] = {"name": "李某", "phone": "13800000002"}


def report(received_at: str = NOON, *, role: str | None = "self", **fields: Any) -> dict[str, Any]:
    """Return a report by WANG against LI, with other fields as given; None leaves a field out."""
    whole = {
        "report_key": f"T-{next(_numbers)}",
        "channel": "hotline_12338",
        "received_at": received_at,
        "district": "330302004012",
        "reporter": {"role": role} if role else None,
        "client": WANG,
        "accused": LI,
        "narrative": "…",
        **fields,
    }
    return {name: value for name, value in whole.items() if value is not None}


def consent(*agencies: str) -> dict[str, Any]:
    """Return a consent to agencies."""
    return {"agencies": list(agencies), "given_at": NOON}


def volunteer(id: str, *skills: str, **fields: Any) -> dict[str, Any]:
    """Return a volunteer who is eligible for her skills all through 2026, with other fields as given."""
    return {
        "id": id,
        "name": f"志愿者{id}",
        "sex": "female",
        "skills": list(skills),
        "certificates": [
            {"name": "律师", "expires": "2030-12-31"},
            {"name": "心理咨询师", "expires": "2030-12-31"},
        ],
        "trained_on": "2026-01-01",
        "record_checked_on": "2026-01-01",
        "districts": ["330302"],
        "hours": [],
        "capacity": 5,
        "must_not_meet": [],
        "active": True,
        **fields,
    }
