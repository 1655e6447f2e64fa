"""Niangjia as a system: four of its services as they run anywhere, with all their promises.

Feed is not part of the flow that is measured, because the peers have nothing like it. Its queues are there, and what it
would take stays in them.
"""

import sys
from collections.abc import Mapping
from secrets import token_hex
from typing import Any

import requests
from pymongo import MongoClient
from pymongo.read_concern import ReadConcern

from shared.events import listeners_of
from shared.runtime.auth import Bearer, Role, issue
from shared.runtime.settings import database_name
from tests.bench import broker
from tests.bench.process import NotReady, Process, stop, wait_until
from tests.bench.register import AMOUNT, register
from tests.bench.system import CONSUMERS, Place
from tests.support.system import free_port

SERVICES = ("intake", *CONSUMERS)
_TOKEN_SECONDS = 3600


class Niangjia:
    """The system during one round.

    An effect counts once the consumer's mark of the report's event is stored: the mark is written in the transaction of
    the effect, and an event that failed and was parked has none.
    """

    name = "Niangjia"

    def __init__(self, place: Place) -> None:
        self._place = place
        self._ports = {service: free_port() for service in SERVICES}
        self._key = token_hex(32)
        self.address = ("127.0.0.1", self._ports["intake"])
        self.headers: Mapping[str, str] = {"Authorization": self._authorization(Role.OPERATOR)}
        self._processes: list[Process] = []
        self._mongo: MongoClient[dict[str, Any]] = MongoClient(place.mongo_uri)
        self._journal = self._collection("intake", "journal")
        self._inboxes = {consumer: self._collection(consumer, "inbox") for consumer in CONSUMERS}

    def start(self) -> None:
        secrets = self._place.folder / "secrets"
        secrets.mkdir()
        for name, key in (("token", self._key), ("master", token_hex(32)), ("index", token_hex(32))):
            (secrets / f"{name}.key").write_text(f"{key}\n", encoding="utf-8")
        for service, port in self._ports.items():
            command = [sys.executable, "-m", "shared.runtime.run", f"services.{service}.service"]
            self._processes.append(Process(service, command, self._environment(port), self._place.folder))
        wait_until(self._ready, self._processes, self.name)
        self._register()

    def stop(self) -> None:
        stop(self._processes)
        prefix = self._place.namespace
        queues = {f"{prefix}.{consumer}.unreadable" for consumer in SERVICES}
        for source in SERVICES:
            for consumer in listeners_of(source):
                queues |= {f"{prefix}.{consumer}.from.{source}", f"{prefix}.{consumer}.unreadable"}
        broker.forget(
            self._place.amqp_uri, queues=queues, exchanges=[f"{prefix}.{source}.events" for source in SERVICES]
        )
        for service in SERVICES:
            self._mongo.drop_database(database_name(service, prefix))
        self._mongo.close()

    def pids(self) -> Mapping[str, int]:
        return {process.name: process.pid for process in self._processes}

    def estimate(self) -> Mapping[str, int]:
        return {consumer: inbox.estimated_document_count() for consumer, inbox in self._inboxes.items()}

    def count(self) -> Mapping[str, int]:
        """Count the reports in intake's journal that each consumer has handled; its other events do not count."""
        entries = self._journal.find({"events.type": "report.received"}, {"events.id": 1, "events.type": 1})
        reports = [e["id"] for entry in entries for e in entry["events"] if e["type"] == "report.received"]
        return {
            consumer: inbox.count_documents({"_id": {"$in": [f"{consumer}.from.intake/{event}" for event in reports]}})
            for consumer, inbox in self._inboxes.items()
        }

    def _collection(self, service: str, name: str) -> Any:
        database = self._mongo[database_name(service, self._place.namespace)]
        return database.get_collection(name, read_concern=ReadConcern("majority"))

    def _environment(self, port: int) -> dict[str, str]:
        return {
            "AMQP_URI": self._place.amqp_uri,
            "MONGO_URI": self._place.mongo_uri,
            "NIANGJIA_HOME": str(self._place.folder),
            "NIANGJIA_SECRETS": str(self._place.folder / "secrets"),
            "NIANGJIA_NAMESPACE": self._place.namespace,
            "NIANGJIA_HTTP_PORT": str(port),
            "NIANGJIA_INTAKE_URL": f"http://127.0.0.1:{self._ports['intake']}",
            "NIANGJIA_LOG_LEVEL": "warning",
        }

    def _authorization(self, role: Role) -> str:
        token = issue(bytes.fromhex(self._key), Bearer(name="bench", role=role), _TOKEN_SECONDS)
        return f"Bearer {token}"

    def _register(self) -> None:
        """Fill the register of volunteers.

        Raises:
            NotReady: not all were taken.
        """
        answer = requests.post(
            f"http://127.0.0.1:{self._ports['volunteer']}/volunteers/batch",
            data=register(self._place.sample / "volunteers.jsonl"),
            headers={"Authorization": self._authorization(Role.COORDINATOR), "Content-Type": "application/x-ndjson"},
            timeout=60,
        )
        registered = self._collection("volunteer", "journal").count_documents({"events.type": "volunteer.registered"})
        if not answer.ok or registered != AMOUNT:
            raise NotReady(f"{registered} of {AMOUNT} volunteers registered: {answer.status_code} {answer.text[:500]}")

    def _ready(self) -> bool:
        return all(self._well(port) for port in self._ports.values())

    def _well(self, port: int) -> bool:
        headers = {"Authorization": self._authorization(Role.ADMIN)}
        try:
            return requests.get(f"http://127.0.0.1:{port}/health", headers=headers, timeout=2).ok
        except requests.RequestException:
            return False
