"""Blind indexes: keyed hashes by which two services can compare persons without knowing them."""

import hmac
import unicodedata
from base64 import urlsafe_b64encode

#: Bytes of the hash that a token keeps: 128 bits, 22 characters.
TOKEN_BYTES = 16


def normal_name(text: str) -> str:
    """Return a name as it is compared: composed Unicode, no space around it."""
    return unicodedata.normalize("NFC", text).strip()


def normal_phone(text: str) -> str:
    """Return a telephone number as it is compared: digits only, without China's country code."""
    digits = "".join(c for c in text if c.isascii() and c.isdigit())
    for prefix in ("0086", "86"):
        if digits.startswith(prefix) and len(digits) == len(prefix) + 11:
            return digits[len(prefix) :]
    return digits


def normal_id_number(text: str) -> str:
    """Return an identity number as it is compared: no space around it, upper case."""
    return text.strip().upper()


class BlindIndex:
    """Makes tokens with the index key, which only services that compare persons hold."""

    def __init__(self, key: bytes) -> None:
        if len(key) != 32:
            raise ValueError("the index key must have 32 bytes")
        self._key = key

    def __call__(self, kind: str, text: str) -> str:
        """Return the token of `text` in the name space `kind` (22 characters of base64url).

        The same text in another name space gives another token, so a phone never meets a name by accident.
        """
        digest = hmac.digest(self._key, f"{kind}\x1f{text}".encode(), "sha256")
        return urlsafe_b64encode(digest[:TOKEN_BYTES]).rstrip(b"=").decode()
