"""How an agency comes in: its agreement checked, its keys made, told once."""

import base64
import secrets
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

from msgspec import Struct

from services.feed.access import Access, exchange, password, password_hash, stream
from services.feed.agency import Agency
from services.feed.agreement import Agreement, AgreementError, read
from services.feed.partners import Partners
from services.feed.seal import UnusableKey, usable
from services.feed.shareable import check
from shared.kernel import Message
from shared.rules import CHINA
from shared.runtime.auth import Bearer, Role, issue
from shared.runtime.problem import Fault, Invalid
from shared.runtime.settings import Settings

#: Bytes of chance in a secret with which webhooks are signed.
_WEBHOOK_BYTES = 32


class Keys(Struct, frozen=True, kw_only=True):
    """New keys of one agency: what is kept of them, and what it is told."""

    #: Id of the key for HTTP.
    key: str
    password: str
    password_hash: str
    webhook_secret: str

    @classmethod
    def new(cls) -> "Keys":
        """Make keys."""
        word = password()
        return cls(
            key=f"k{secrets.token_hex(4)}",
            password=word,
            password_hash=password_hash(word),
            webhook_secret="whsec_" + base64.b64encode(secrets.token_bytes(_WEBHOOK_BYTES)).decode(),
        )


def agreement_of(form: Mapping[str, Any]) -> Agreement:
    """Return the agreement of a form, understood and held against the catalogue.

    Raises:
        Invalid: it says something that cannot be meant; names the place.
    """
    try:
        agreement = read(form["agreement"])
        check(agreement)
    except AgreementError as error:
        raise Invalid(
            [Fault(f"agreement.{error.where}".replace("agreement.agreement", "agreement"), error.reason)]
        ) from None
    return agreement


def added(form: Mapping[str, Any], keys: Keys) -> Message:
    """Return the command that adds an agency.

    Args:
        form: as `schemas.AgencyForm` has it, its agreement checked.

    Raises:
        Invalid: webhook, districts or public key cannot be used.
    """
    if not form["districts"]:
        raise Invalid([Fault("districts", "must name at least one")])
    content = {
        "agency": form["name"],
        "agreement": form["agreement"],
        "districts": sorted(set(form["districts"])),
        "webhook_url": form.get("webhook", ""),
        "public_key": _public_key(form.get("public_key")),
        "sandbox": form.get("sandbox", False),
        "stream": form.get("stream", True),
        "federated_to": form.get("federation", ""),
        **_kept(keys),
    }
    return command("add_agency", content)


def rekeyed(name: str, keys: Keys, *, now: bool) -> Message:
    """Return the command that gives an agency new keys."""
    return command("rekey_agency", {"agency": name, "now": now, **_kept(keys)})


def told(settings: Settings, agency: Agency, keys: Keys) -> dict[str, Any]:
    """Return what an agency must know to come in; it is told once."""
    return {
        "amqp": {
            "uri": Partners(settings).uri(agency.id, keys.password),
            "stream": stream(agency.id),
            "exchange": exchange(agency.id),
        }
        if agency.stream
        else None,
        "http": {
            "url": f"{settings.feed_url}/feeds/{agency.id}",
            "token": _token(settings, agency, keys.key),
        },
        "webhook_secret": keys.webhook_secret if agency.private.webhook_url else None,
    }


def access(agency: Agency) -> Access:
    """Return what an agency's login to the broker is to be now."""
    return Access(
        agency=agency.id,
        password_hash=agency.private.broker_password_hash,
        allowed=agency.is_active,
        federated_to=agency.private.federated_to,
    )


def first_access(message: Message) -> Access:
    """Return what the login to the broker is to be of an agency that a command adds."""
    data = message.data
    return Access(agency=data["agency"], password_hash=data["broker_password_hash"], federated_to=data["federated_to"])


def command(type: str, data: Mapping[str, Any]) -> Message:
    """Return a command of this moment."""
    return Message(id=str(uuid4()), type=type, time=datetime.now(UTC), data=data)


def _token(settings: Settings, agency: Agency, key: str) -> str:
    """Return a token that ends with the agreement."""
    until = read(agency.private.agreement).valid_until + timedelta(days=1)
    ends = datetime(until.year, until.month, until.day, tzinfo=CHINA)
    seconds = max(0, int((ends - datetime.now(UTC)).total_seconds()))
    return issue(settings.key("token"), Bearer(name=agency.id, role=Role.AGENCY, key=key), seconds)


def _kept(keys: Keys) -> dict[str, str]:
    return {"key": keys.key, "broker_password_hash": keys.password_hash, "webhook_secret": keys.webhook_secret}


def _public_key(key: Mapping[str, Any] | None) -> dict[str, Any] | None:
    try:
        return usable(key) if key else None
    except UnusableKey as error:
        raise Invalid([Fault("public_key", str(error))]) from None
