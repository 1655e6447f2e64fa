"""Which delivery follows from which report, read from the journals of the services when all is over."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any, NamedTuple

from pymongo.database import Database

_Document = dict[str, Any]
#: In the order in which events flow.
_BETWEEN = ("referral", "volunteer")


class Trace(NamedTuple):
    """Where a delivery comes from."""

    agency: str
    number: int
    #: Id of the report that caused it.
    report: str
    #: When feed began to store it, in seconds since 1970.
    made_at: float


def traced(database: Callable[[str], Database[_Document]]) -> Iterator[Trace]:
    """Yield every delivery that a report caused."""
    reports = _from_intake(_entries(database("intake")))
    for service in _BETWEEN:
        reports |= _followed(_entries(database(service)), reports)
    for entry in _entries(database("feed")):
        report = reports.get(entry["cause"])
        for event in entry["events"] if report else ():
            if event["type"] == "delivery.made":
                data = json.loads(event["data"])
                at = datetime.fromisoformat(entry["at"]).timestamp()
                yield Trace(data["agency"], data["number"], str(report), at)


def _entries(database: Database[_Document]) -> Iterable[_Document]:
    return database["journal"].find().sort("_id", 1)


def _from_intake(entries: Iterable[_Document]) -> dict[str, str]:
    """Return the report of each event that intake published when it came."""
    found = {}
    for entry in entries:
        received = [json.loads(event["data"]) for event in entry["events"] if event["type"] == "report.received"]
        for event in entry["events"] if received else ():
            found[event["id"]] = received[0]["report"]["id"]
    return found


def _followed(entries: Iterable[_Document], reports: Mapping[str, str]) -> dict[str, str]:
    """Return the report of each event that a service published because of one of those events."""
    causes = ((entry["events"], reports.get(entry["cause"])) for entry in entries)
    return {event["id"]: report for events, report in causes if report for event in events}
