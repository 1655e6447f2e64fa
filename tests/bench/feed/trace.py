"""Which delivery follows from which report, read from the journals of the services when all is over."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from pymongo.database import Database

_Document = dict[str, Any]
#: In the order in which events flow.
_BETWEEN = ("referral", "volunteer")


def traced(database: Callable[[str], Database[_Document]]) -> Iterator[tuple[str, int, str]]:
    """Yield agency, number and the id of the report that caused each delivery."""
    reports = _from_intake(_entries(database("intake")))
    for service in _BETWEEN:
        reports |= _followed(_entries(database(service)), reports)
    for entry in _entries(database("feed")):
        report = reports.get(entry["cause"])
        for event in entry["events"] if report else ():
            if event["type"] == "delivery.made":
                data = json.loads(event["data"])
                yield data["agency"], data["number"], str(report)


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
