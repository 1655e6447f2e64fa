"""The signature of a webhook, by the Standard Webhooks rules (https://www.standardwebhooks.com)."""

import hmac
from base64 import b64decode, b64encode
from collections.abc import Iterable
from datetime import datetime
from typing import Final

_PREFIX: Final = "whsec_"


def signed(id: str, at: datetime, body: bytes, secrets: Iterable[str]) -> dict[str, str]:
    """Return the headers by which who holds one of the secrets knows that a body is ours, whole and fresh.

    Args:
        id: the same for every try of the same message, so that a repeat is known.
        at: when it is sent; a receiver refuses what is minutes old.
        secrets: `whsec_` and base64; two where a change is under way, either is enough.
    """
    second = str(int(at.timestamp()))
    content = f"{id}.{second}.".encode() + body
    signatures = [f"v1,{_signature(secret, content)}" for secret in secrets]
    return {"webhook-id": id, "webhook-timestamp": second, "webhook-signature": " ".join(signatures)}


def _signature(secret: str, content: bytes) -> str:
    key = b64decode(secret.removeprefix(_PREFIX))
    return b64encode(hmac.digest(key, content, "sha256")).decode()
