"""What is measured: a system that takes reports by HTTP and stores effects in three consumers."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

CONSUMERS = ("referral", "volunteer", "notification")


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a system runs during one round, apart from all others."""

    amqp_uri: str
    mongo_uri: str
    #: Begins the name of every queue, exchange and database of the round.
    namespace: str
    #: For logs and whatever else the system keeps; emptied afterwards.
    folder: Path
    #: Folder of the sample week: `reports.jsonl` and `volunteers.jsonl`.
    sample: Path


class System(Protocol):
    """One of the systems compared. It is started afresh for each round and leaves nothing behind."""

    name: str
    #: Host and port that take `POST /reports`; known once started.
    address: tuple[str, int]
    headers: Mapping[str, str]

    def start(self) -> None:
        """Return when a report would be taken and its effects stored."""

    def stop(self) -> None:
        """End every process and remove queues, exchanges and databases."""

    def pids(self) -> Mapping[str, int]:
        """Return the process of each service, by the service's name."""

    def estimate(self) -> Mapping[str, int]:
        """Return the effects stored by each consumer, cheaply and perhaps a little wrong."""

    def count(self) -> Mapping[str, int]:
        """Return the effects stored by each consumer so that they survive a crash, exactly."""
