"""What the services did, read from their journals, and whether each thing was done once and in order."""

import json
from collections import Counter
from collections.abc import Iterator
from typing import Any

from shared.events import listeners_of
from shared.runtime.variables import SERVICES
from tests.faults.installation import Installation

Record = dict[str, Any]


class Effects:
    """The journals of an installation."""

    def __init__(self, installation: Installation) -> None:
        self.installation = installation
        self.entries = {
            service: list(installation.database(service)["journal"].find().sort("_id", 1)) for service in SERVICES
        }

    def events(self, service: str, *types: str) -> Iterator[Record]:
        """Yield the events of a service, each with its number, its cause and its data."""
        for entry in self.entries[service]:
            for n, record in enumerate(entry["events"]):
                if not types or record["type"] in types:
                    yield {
                        **record,
                        "sequence": entry["_id"] + n,
                        "cause": entry["cause"],
                        "data": json.loads(record["data"]),
                    }

    def heard_by(self, consumer: str, source: str = "intake") -> list[Record]:
        """Return the events of a source that a consumer has to act on."""
        return list(self.events(source, *listeners_of(source)[consumer]))

    def assert_whole(self) -> None:
        """Numbers without a gap, hashes that fit, states that follow from the journal, marks for every event."""
        for service, entries in self.entries.items():
            numbers = [number for entry in entries for number in range(entry["_id"], entry["_id"] + entry["n"])]
            assert numbers == list(range(1, len(numbers) + 1)), service
            causes = Counter(entry["cause"] for entry in entries)
            assert [cause for cause, count in causes.items() if count > 1] == []
        self.installation.niangjia("verify")

    def assert_handled_once(self) -> None:
        """Each event has one mark in the inbox of each of its consumers; none waits, none was given up."""
        for consumer in SERVICES:
            heard = {
                f"{consumer}.from.{source}/{event['id']}"
                for source in SERVICES
                if consumer in listeners_of(source)
                for event in self.heard_by(consumer, source)
            }
            database = self.installation.database(consumer)
            assert {row["_id"] for row in database["inbox"].find({}, {"_id": 1})} == heard
            assert list(database["parked"].find()) == []

    def assert_in_order(self) -> None:
        """For every case, each consumer acted on the events in the order in which intake numbered them."""
        for consumer in listeners_of("intake"):
            numbers = {event["id"]: (event["case"], event["sequence"]) for event in self.heard_by(consumer)}
            last: dict[str, int] = {}
            for entry in self.entries[consumer]:
                if entry["cause"] not in numbers:
                    continue  # a registration, or what became of a notice
                case, sequence = numbers[entry["cause"]]
                assert sequence > last.get(case, 0), (consumer, case)
                last[case] = sequence

    def assert_nothing_doubled(self) -> None:
        """No referral, assignment or notice was made twice."""
        referred = Counter(
            (event["data"]["case_id"], event["data"]["agency"], event["data"]["purpose"])
            for event in self.events("referral", "referral.requested")
        )
        assert _repeated(referred) == []
        numbers = [event["data"]["number"] for event in self.events("referral", "referral.requested")]
        assert _repeated(Counter(numbers)) == []
        assert _without_gaps(numbers)
        self._assert_skills_given_once()
        reports = [event["id"] for event in self.events("intake", "report.received")]
        decided = Counter(event["cause"] for event in self.events("notification", "notice.queued", "notice.held"))
        assert decided == Counter(reports)
        queued = [event["subject"] for event in self.events("notification", "notice.queued")]
        ended = Counter(event["subject"] for event in self.events("notification", "notice.sent", "notice.failed"))
        assert ended == Counter(queued)
        sent = {event["subject"] for event in self.events("notification", "notice.sent")}
        failed = self.events("notification", "notice.failed")
        unsure = {event["subject"] for event in failed if event["data"]["reason"] == "may_have_left"}
        left = {file.stem for file in self.installation.home.outbox.glob("*.json")}
        assert sent - left == set(), "said to be sent, and never left"
        assert left - sent - unsure == set(), "left, and nobody says so"

    def _assert_skills_given_once(self) -> None:
        given: set[tuple[str, str]] = set()
        for event in self.events("volunteer", "volunteer.assigned", "volunteer.released"):
            skill = (event["data"]["case_id"], event["data"]["skill"])
            if event["type"] == "volunteer.assigned":
                assert skill not in given
                given.add(skill)
            else:
                assert skill in given
                given.remove(skill)


def _repeated(counts: Counter[Any]) -> list[Any]:
    return [what for what, count in counts.items() if count > 1]


def _without_gaps(numbers: list[str]) -> bool:
    """Say whether the letters of each register are numbered 1, 2, 3 …"""
    registers: dict[str, list[int]] = {}
    for number in numbers:
        register, place = number.rsplit("-", 1)
        registers.setdefault(register, []).append(int(place))
    return all(places == list(range(1, len(places) + 1)) for places in registers.values())
