"""A subscriber: an agency under a name, what it agreed to, and the keys by which it comes in."""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final

from msgspec import Struct, field

#: How long the key before the newest still counts, so that an agency can change it without a gap.
OVERLAP: Final = timedelta(hours=24)


class Status(StrEnum):
    """Where a subscription stands."""

    ACTIVE = "active"
    SUSPENDED = "suspended"
    REMOVED = "removed"


class Webhook(StrEnum):
    """Whether an agency is called."""

    NONE = ""
    ON = "on"
    #: It did not take a delivery after the last try, or said that it is gone; a person must look.
    GIVEN_UP = "given_up"


class Secrets(Struct, frozen=True, kw_only=True):
    """What is sealed where it is stored."""

    #: The agreement as it was given, checked.
    agreement: dict[str, Any] = field(default_factory=dict)
    #: As the broker keeps it, so that a broker that lost everything can be set up again.
    broker_password_hash: str = ""
    webhook_url: str = ""
    #: Newest first, at most two; each begins with `whsec_`.
    webhook_secrets: tuple[str, ...] = ()
    #: Name of the agency's own broker that may link to its exchange; empty where none may.
    federated_to: str = ""
    #: JWK to which identity is sealed for an agency that cannot ask for it.
    public_key: dict[str, Any] | None = None


class Agency(Struct, frozen=True, kw_only=True):
    """One subscriber."""

    #: The name that an operator chose.
    id: str
    #: What it is: police, court, …, or statistics.
    kind: str
    #: 2, 4 or 6 digits each; a case in any of them is its concern.
    districts: tuple[str, ...]
    status: Status
    opened_at: datetime
    #: The number of its last delivery; without gaps from 1.
    last: int = 0
    #: The number after which this subscription begins: what came before went to an earlier one under the same name.
    since: int = 0
    #: Ids of the keys for HTTP, newest first, at most two.
    keys: tuple[str, ...] = ()
    #: When the newest key was made.
    rekeyed_at: datetime
    webhook: Webhook = Webhook.NONE
    stream: bool = True
    #: Gets invented events only.
    sandbox: bool = False
    #: How often its stream had to be written anew, because somebody was erased whose sealed identity it carried.
    epoch: int = 0
    private: Secrets = field(default_factory=Secrets)

    @property
    def is_active(self) -> bool:
        """Whether it may receive and read."""
        return self.status is Status.ACTIVE

    def covers(self, district: str) -> bool:
        """Tell whether a place is its concern."""
        return district.startswith(self.districts)

    def counts(self, key: str, now: datetime) -> bool:
        """Tell whether a key opens its doors."""
        return key in self.keys[: 2 if now < self.rekeyed_at + OVERLAP else 1]

    def secrets(self, now: datetime) -> tuple[str, ...]:
        """Return the secrets with which a webhook is signed now."""
        return self.private.webhook_secrets[: 2 if now < self.rekeyed_at + OVERLAP else 1]
