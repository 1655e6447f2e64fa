"""What each agency may get, written down a second time from what was agreed, not from the files that say it."""

from collections.abc import Mapping
from typing import Any, Final

_TASK: Final = {
    "referral_id",
    "number",
    "purpose",
    "district",
    "grade",
    "requested_at",
    "acknowledge_by",
    "finish_by",
    "calendar_assumed",
}
_CASE: Final = _TASK | {"case_id", "basis"}
_REACH: Final = {"client.name", "client.phone", "client.address", "safe_contact"}
_APPLICANT: Final = {
    "client.name",
    "client.sex",
    "client.birth_date",
    "client.id_number",
    "client.phone",
    "safe_contact",
}
_CHILD: Final = {"client.name", "client.sex", "client.birth_date", "client.address"}
_ACCUSED: Final = {"accused.name", "accused.relation", "accused.phone"}

#: By kind of agency and purpose: the public fields of a referral, and what may be fetched of the people.
REFERRALS: Final[Mapping[str, Mapping[str, tuple[set[str], set[str]]]]] = {
    "police": {
        "mandatory_report": (_CASE, _CHILD | _ACCUSED | {"narrative"}),
        "protect": (_CASE, _REACH | _ACCUSED | {"children", "narrative"}),
        "warn_or_investigate": (_CASE, _REACH | _ACCUSED),
    },
    "court": {"protection_order": (_CASE, _APPLICANT)},
    "procuratorate": {"file_and_supervise": (_CASE, _CHILD)},
    "justice": {"legal_aid": (_CASE | {"green_channel"}, _APPLICANT), "mediation": (_CASE, _APPLICANT)},
    "civil_affairs": {
        "child_protection": (_CASE, _CHILD),
        "shelter": (_CASE, _REACH | {"children"}),
        "relief": (_CASE, _APPLICANT),
    },
    "health": {"crisis_care": (_CASE, _REACH), "injury_care": (_CASE, _REACH)},
    "education": {"school_care": (_CASE, _CHILD)},
    "human_resources": {"labour_rights": (_CASE, _APPLICANT)},
    "agriculture": {"land_rights": (_CASE, _APPLICANT)},
    "grid": {"hazard_list": (_TASK, set())},
}
KINDS: Final = (*REFERRALS, "statistics")

#: Attributes that every delivery has, and those that it may have.
ALWAYS: Final = {"specversion", "id", "source", "type", "time", "dataschema", "sequence", "datacontenttype", "data"}
SOMETIMES: Final = {"subject", "dataref"}


def flat(content: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Return nested fields by their dotted names."""
    found: dict[str, Any] = {}
    for name, value in content.items():
        if isinstance(value, Mapping) and name in {"client", "accused"}:
            found |= flat(value, f"{name}.")
        else:
            found[f"{prefix}{name}"] = value
    return found
