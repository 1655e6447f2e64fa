"""Opens what was reported about a case, for a bundle: asked of intake, which checks the role and writes it down."""

from collections.abc import Mapping
from typing import Any

from deploy.client import ServiceClient
from deploy.evidence.walk import Line
from deploy.home import Home
from deploy.problem import Problem
from deploy.stores import Store, chunks
from shared.runtime.auth import Role

#: What a court does not need, and nobody may learn who is not to reach her: her safe ways and code word.
_NEVER = ("safe_contact",)
_SELF = "self"


def write_down(home: Home, case: str, purpose: str, by: str) -> None:
    """Have intake write down that a supervisor opens the file of a case.

    Raises:
        Problem: intake is away, or refuses: there is no such case, or it was erased.
    """
    with ServiceClient(home, "intake", role=Role.SUPERVISOR, name=by, patience=10) as intake:
        intake.get(f"/cases/{case}", file="1", purpose=purpose)


def reports(store: Store, lines: list[Line], *, with_reporter: bool) -> dict[int, Any]:
    """Return what was reported, by the numbers of intake's events, without how she is reached.

    Args:
        store: intake's.
        lines: of the case.
        with_reporter: also who reported. Otherwise only where she did so herself: the law keeps others secret.

    Raises:
        Problem: a key cannot be opened.
    """
    wanted = {line["event"]: line["entry"] for line in lines if line["type"] == "report.received" and line["sealed"]}
    if broken := store.load_keys({line["case"] for line in lines}):
        raise Problem(f"the key of {broken[0]} cannot be opened", "see `niangjia verify`")
    found = {}
    for events in chunks(wanted):
        entries = store.entries([wanted[event] for event in events])
        for event in events:
            entry = entries[wanted[event]]
            report = store.journal.private(entry["events"][event - entry["_id"]]).get("report")
            if report is not None:
                found[event] = _shown(report, with_reporter=with_reporter)
    return found


def _shown(report: Mapping[str, Any], *, with_reporter: bool) -> dict[str, Any]:
    shown = {name: value for name, value in report.items() if name not in _NEVER}
    reporter = shown.get("reporter")
    if reporter and not with_reporter and reporter.get("role") != _SELF:
        shown["reporter"] = {"role": reporter.get("role")}
    return shown
