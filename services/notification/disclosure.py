"""What notification asks intake: never kept, asked again each time."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import requests

from shared.events import Event
from shared.runtime.auth import Bearer, Role, issue
from shared.runtime.settings import Settings
from shared.runtime.unavailable import Unavailable

#: Seconds to wait for intake's answer.
TIMEOUT = 10
#: Seconds that a token of ours is good.
TOKEN_SECONDS = 3_600


#: Answers that mean: the question itself is wrong, and will be wrong again.
_MISUNDERSTOOD = frozenset({HTTPStatus.BAD_REQUEST, HTTPStatus.UNPROCESSABLE_ENTITY})


class Misunderstood(Exception):
    """Intake does not take what it was asked; the same again will not do either."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """Where a client may be reached; never kept."""

    to: str | None
    #: Code of why there is none: her wishes of this moment, or nobody knows where.
    why_not: str | None


class Intake:
    """Intake, as notification knows it."""

    def __init__(self, settings: Settings) -> None:
        self._url = settings.intake_url
        self._key = settings.key("token")
        self._session = requests.Session()
        self._session.trust_env = False  # a service of the house is never behind a proxy
        self._renew_at = 0.0

    def contacts(self, events: Sequence[Event]) -> dict[str, Mapping[str, Any]]:
        """Return how clients wished to be told after each report, by the id of its event.

        Raises:
            Unavailable: intake does not answer.
            Misunderstood: an event names something that intake cannot have given.
        """
        answer = self._post("/contacts", {"receipts": [event.causation for event in events]})
        found = zip(events, answer["contacts"], strict=True)
        return {event.id: {"contact": contact} for event, contact in found}

    def addresses(self, items: Sequence[Mapping[str, Any]]) -> list["Address"]:
        """Return where each client may be reached now, or why she may not.

        Args:
            items: {"case_id", "channel"} of each notice.

        Raises:
            Unavailable: intake does not answer.
        """
        asked = [{**item, "purpose": "client_notice", "audience": "client"} for item in items]
        return [Address(**item) for item in self._post("/disclosures", {"items": asked})["items"]]

    def _post(self, path: str, content: Mapping[str, Any]) -> Any:
        if time.monotonic() > self._renew_at:
            token = issue(self._key, Bearer(name="notification", role=Role.SERVICE), TOKEN_SECONDS)
            self._session.headers["Authorization"] = f"Bearer {token}"
            self._renew_at = time.monotonic() + TOKEN_SECONDS / 2
        try:
            response = self._session.post(self._url + path, json=content, timeout=TIMEOUT)
            if response.status_code in _MISUNDERSTOOD:
                raise Misunderstood(f"{path} answers {response.status_code}")
            response.raise_for_status()
            return response.json()
        except requests.RequestException as error:
            raise Unavailable(f"intake does not answer ({type(error).__name__})") from error
