# mypy: disable-error-code="misc, untyped-decorator"
# nameko has no types, and this file is to look like its documentation.
"""The flow as nameko's documentation writes it: one insert, one confirmed publish, one insert per consumer.

Four services, each run by `nameko run` in a process of its own with the default of ten workers. What arrives
between two of the steps is lost when a process dies there.
"""

import json
import os
from typing import Any
from uuid import uuid4

from nameko.events import EventDispatcher, event_handler
from nameko.extensions import DependencyProvider
from nameko.web.handlers import http
from pymongo import MongoClient
from pymongo.database import Database
from werkzeug.wrappers import Request

NAMESPACE = os.environ["BENCH_NAMESPACE"]
INTAKE = f"{NAMESPACE}.intake"


class Mongo(DependencyProvider):
    """Gives a service its database."""

    def setup(self) -> None:
        service = self.container.service_name.rpartition(".")[2]
        self.client: MongoClient[dict[str, Any]] = MongoClient(self.container.config["MONGO_URI"])
        self.database = self.client[f"{NAMESPACE}_{service}"]

    def stop(self) -> None:
        self.client.close()

    def get_dependency(self, worker_ctx: object) -> Database[dict[str, Any]]:
        return self.database


class IntakeService:
    name = INTAKE

    database = Mongo()
    dispatch = EventDispatcher()

    @http("POST", "/reports")
    def receive(self, request: Request) -> tuple[int, str]:
        report = json.loads(request.get_data(as_text=True))
        case_id = str(uuid4())
        self.database.cases.insert_one({"_id": case_id, **report})
        self.dispatch(
            "case_created",
            {
                "case_id": case_id,
                "district": report["district"],
                "category": report.get("category"),
                "risk_factors": report.get("risk_factors", []),
                "wishes": report.get("wishes", []),
            },
        )
        return 201, json.dumps({"case_id": case_id})


class ReferralService:
    name = f"{NAMESPACE}.referral"

    database = Mongo()

    @event_handler(INTAKE, "case_created")
    def handle(self, event: dict[str, Any]) -> None:
        self.database.effects.insert_one(event)


class VolunteerService:
    name = f"{NAMESPACE}.volunteer"

    database = Mongo()

    @event_handler(INTAKE, "case_created")
    def handle(self, event: dict[str, Any]) -> None:
        self.database.effects.insert_one(event)


class NotificationService:
    name = f"{NAMESPACE}.notification"

    database = Mongo()

    @event_handler(INTAKE, "case_created")
    def handle(self, event: dict[str, Any]) -> None:
        self.database.effects.insert_one(event)
