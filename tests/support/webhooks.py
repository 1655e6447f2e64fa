"""A feed process with webhooks, and agencies of a sandbox that are called by it."""

import base64
import json
import secrets
import uuid
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import yaml

from shared.events import event_type
from shared.runtime.auth import Role
from tests.support.hook import Hook
from tests.support.system import ROOT, System, wait_until

TOY = {"feed": "tests.integration.feed.toy_webhooks"}
CASE = "019cabd8-3f40-7a51-9c0e-5b1d2f3a4c6e"
#: A host whose addresses nobody gets, for so many seconds.
SLOW, SLOW_SECONDS = "slow.example", 8
#: Ten tries in a moment.
QUICK = ",".join(["0.05"] * 9)


class Webhooks(System):
    """One replica.

    Args:
        private: what NIANGJIA_WEBHOOK_PRIVATE says.
    """

    def __init__(
        self, folder: Path, namespace: str = "", *, delays: str = QUICK, private: str = "127.0.0.0/8", **variables: str
    ) -> None:
        own = {
            "NIANGJIA_WEBHOOK_DELAYS": delays,
            "NIANGJIA_WEBHOOK_PRIVATE": private,
            "NIANGJIA_HEARTBEAT": "3600",
            "NIANGJIA_FEED_PUBLIC_URL": "https://feed.example",
        }
        super().__init__(folder, namespace, services=TOY, variables=own | variables)

    def do(self, *commands: tuple[str, Mapping[str, Any]], case: str = "") -> list[str]:
        """Give commands about a case, each with its type and data; return what became of them."""
        content = [[str(uuid.uuid4()), kind, data, case] for kind, data in commands]
        answer = self.client(Role.ADMIN).post("feed", "/commands", json=content)
        answer.raise_for_status()
        return list(answer.json())

    def add(self, name: str, url: str, **changes: Any) -> str:
        """Let an agency of a sandbox in, with the agreement of police; return the secret of its webhook."""
        file = ROOT / "services" / "feed" / "agreements" / "police.yml"
        secret = new_secret()
        data = {
            "agency": name,
            "agreement": json.loads(json.dumps(yaml.safe_load(file.read_text(encoding="utf-8")), default=str)),
            "districts": ["33"],
            "key": "k00000001",
            "broker_password_hash": "",
            "webhook_url": url,
            "webhook_secret": secret,
            "public_key": None,
            "sandbox": True,
            "stream": False,
            "federated_to": "",
        }
        assert self.do(("add_agency", data | changes)) == ["done"]
        return secret

    def rehearse(self, name: str, amount: int = 1, *, case: str = CASE) -> None:
        """Make deliveries to an agency, in one go."""
        event = {
            "type": "referral.requested",
            "subject": str(uuid.uuid4()),
            "case": case,
            "data": {**event_type("referral.requested").example, **REFERRAL},
        }
        assert set(self.do(*[("rehearse", {"agency": name, "event": event})] * amount)) == {"done"}

    def rekey(self, name: str, *, now: bool) -> str:
        """Give an agency new keys; return the new secret."""
        secret = new_secret()
        data = {"agency": name, "now": now, "key": "k00000002", "broker_password_hash": "", "webhook_secret": secret}
        assert self.do(("rekey_agency", data)) == ["done"]
        return secret

    def agency(self, name: str) -> dict[str, Any]:
        """Return the open part of an agency as it is stored."""
        row = self.database("feed")["agency"].find_one({"_id": name})
        assert row is not None
        return dict(row["state"])

    def cursor(self, name: str) -> dict[str, Any]:
        """Return what is stored of how far an agency is."""
        return self.database("feed")["cursors"].find_one({"_id": f"webhook {name}"}) or {"number": 0, "note": {}}

    def wait_for(self, hook: Hook, amount: int, seconds: float = 30) -> None:
        """Return when a partner was called with so many deliveries."""
        wait_until(lambda: len(hook.deliveries) >= amount, f"{amount} deliveries to come", seconds)

    def wait_until_given_up(self, name: str) -> None:
        """Return when an agency is called no more."""
        wait_until(lambda: self.agency(name)["webhook"] == "given_up", f"{name} to be given up")

    def wait_until_taken(self, name: str, number: int) -> None:
        """Return when it is written down that an agency has taken a delivery."""
        wait_until(lambda: self.cursor(name)["number"] >= number, f"{name} to have taken {number}")

    def next_try(self, name: str) -> datetime | None:
        """Return when an agency is called again."""
        at: datetime | None = self.cursor(name).get("note", {}).get("retry_at")
        return at


def new_secret() -> str:
    return "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode()


REFERRAL = {"agency": "police", "purpose": "protect", "basis": "life", "district": "330302"}
