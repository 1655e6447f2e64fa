"""Agencies and events for tests of feed's pure core."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
import yaml

from services.feed.model import FeedModel
from services.feed.shareable import shareable
from shared.events import check, event_type
from shared.kernel import Fact, Message, run

AGREEMENTS = Path(__file__).parents[3] / "services" / "feed" / "agreements"
KINDS = sorted(file.stem for file in AGREEMENTS.glob("*.yml"))
MORNING = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)
CASE, REFERRAL = "019cabd8-3f40-7a51-9c0e-5b1d2f3a4c6e", "019cabd8-3f40-7b68-a1d7-0e4f5c2b9a83"


def agreement(kind: str) -> dict[str, Any]:
    """Return a shipped agreement as the command line sends it."""
    text = (AGREEMENTS / f"{kind}.yml").read_text(encoding="utf-8")
    found: dict[str, Any] = orjson.loads(orjson.dumps(yaml.safe_load(text)))
    return found


class Feed:
    """The model with its states; every fact is checked against the catalogue, as the runtime does it."""

    def __init__(self) -> None:
        self.model = FeedModel(shareable())
        self.shelf = self.model.shelf()
        self.facts: list[Fact] = []
        self._moments = 0

    def do(self, type: str, **data: Any) -> Mapping[str, Any] | None:
        """Carry out a command."""
        self._moments += 1
        time = MORNING + timedelta(seconds=self._moments)
        return self._run(Message(id=f"{type} {self._moments}", type=type, time=time, data=data))

    def add(self, name: str, kind: str | Mapping[str, Any], *districts: str, **more: Any) -> None:
        """Let an agency in."""
        content = {
            "agreement": agreement(kind) if isinstance(kind, str) else kind,
            "districts": list(districts) or ["33"],
            "webhook_url": "",
            "webhook_secret": "",
            "public_key": None,
            "sandbox": False,
            "stream": True,
            "federated_to": "",
            "key": "k00000001",
            "broker_password_hash": "",
        }
        self.do("add_agency", agency=name, **{**content, **more})

    def hear(self, type: str, time: datetime | None = None, case: str = CASE, **changes: Any) -> list[Fact]:
        """Hear the catalogue's example of an event, with some fields changed; return the facts that follow."""
        declared = event_type(type)
        data = {**declared.example, **({"case_id": case} if "case_id" in declared.example else {}), **changes}
        self._moments += 1
        before = len(self.facts)
        subject = data.get("referral_id", case)
        at = time or MORNING + timedelta(seconds=self._moments)
        self._run(
            Message(id=f"event {self._moments}", type=type, time=at, data=data, source="s", subject=subject, case=case)
        )
        return self.facts[before:]

    def deliveries(self, agency: str) -> Sequence[Any]:
        """Return what an agency got, in the order of the numbers."""
        return sorted((d for d in self.shelf.all("delivery") if d.agency == agency), key=lambda d: d.number)

    def agency(self, name: str) -> Any:
        """Return an agency."""
        return self.shelf.get("agency", name)

    def _run(self, message: Message) -> Mapping[str, Any] | None:
        facts, answer = run(self.model, self.shelf, message, lambda fact: check(fact.type, fact.data))
        self.facts += facts
        return answer
