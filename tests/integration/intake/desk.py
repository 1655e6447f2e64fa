"""What staff and services ask of a running house; every answer is held to the reference."""

import json
import uuid
from collections.abc import Iterator, Sequence
from typing import Any

import requests

from shared.runtime.auth import Role
from tests.integration.http.document import checked
from tests.support.system import System

#: All persons are invented.
NEIGHBOUR = {"role": "neighbour", "name": "邻居赵小敏", "phone": "13800000009", "organisation": "某小区业主会"}


class Desk:
    """Asks as an operator, a supervisor or a service, each of every district unless it is said."""

    def __init__(self, house: System) -> None:
        self.house = house
        self._clients = {role: house.client(role) for role in Role}

    def post(self, path: str, content: Any, role: Role = Role.OPERATOR, district: str = "") -> requests.Response:
        client = self.house.client(role, district) if district else self._clients[role]
        return checked(client.post("intake", path, data=json.dumps(content).encode()))

    def get(
        self, path: str, role: Role = Role.CASEWORKER, *, of: str = "intake", district: str = ""
    ) -> requests.Response:
        client = self.house.client(role, district) if district else self._clients[role]
        return checked(client.get(of, path))

    def report(self, **said: Any) -> str:
        """Hand a report in; return the id of its case."""
        whole = {
            "report_key": f"k-{uuid.uuid4()}",
            "channel": "hotline_12338",
            "received_at": "2026-03-02T09:14:00+08:00",
            "district": "330302004012",
            "narrative": "来电。",
            **said,
        }
        answer = self.post("/reports", whole)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["case_id"])

    def identities(self, *items: dict[str, Any]) -> list[dict[str, Any]]:
        """Ask as feed does; return the answers."""
        answer = self.post("/identities", {"items": list(items)}, Role.SERVICE)
        assert answer.status_code == 200, answer.text
        return list(answer.json()["items"])

    def withdraw(self, case_id: str, *agencies: str) -> requests.Response:
        return self.post(f"/cases/{case_id}/consents/withdrawals", {"agencies": list(agencies)})

    def erase(self, case_id: str, district: str = "", reason: str = "requested_by_client") -> requests.Response:
        return self.post(f"/cases/{case_id}/erasure", {"reason": reason}, Role.SUPERVISOR, district)

    def referrals(self, case_id: str, district: str = "") -> list[dict[str, Any]]:
        answer = self.get(f"/referrals?case_id={case_id}", of="referral", district=district)
        assert answer.status_code == 200, answer.text
        return list(answer.json()["referrals"])

    def said(self, type: str, case_id: str, service: str = "intake") -> list[dict[str, Any]]:
        """Return the public data of the events of a kind about a case, from the journal."""
        return [
            json.loads(one["data"]) for one in self._records(service) if (one["type"], one["case"]) == (type, case_id)
        ]

    def _records(self, service: str) -> Iterator[dict[str, Any]]:
        for entry in self.house.database(service)["journal"].find().sort("_id", 1):
            yield from entry["events"]


def asked(case_id: str, *fields: str, audience: str = "police", basis: str = "duty") -> dict[str, Any]:
    """Return one request for identity."""
    wanted: Sequence[str] = fields or ("client.name",)
    return {"case_id": case_id, "audience": audience, "purpose": "protect", "basis": basis, "fields": list(wanted)}
