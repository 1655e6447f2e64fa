"""Sealing: what only the owner of a key can read, one key for each case, wrapped by the master key.

AES-256-GCM. Each sealed text is bound to a context (which service, which key), so that it cannot be moved to another
place unseen. Who destroys the wrapped key of a case has erased everything that was sealed with it.
"""

import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_VERSION = b"\x01"
_NONCE_BYTES = 12
KEY_BYTES = 32


class SealBroken(Exception):
    """What was sealed cannot be opened: wrong key, wrong place, or it was changed."""


class Key:
    """A key that seals and opens bytes within a context."""

    __slots__ = ("_cipher", "_raw")

    def __init__(self, raw: bytes) -> None:
        if len(raw) != KEY_BYTES:
            raise ValueError(f"a key must have {KEY_BYTES} bytes")
        self._raw = raw
        self._cipher = AESGCM(raw)

    @classmethod
    def new(cls) -> "Key":
        """Return a fresh random key."""
        return cls(os.urandom(KEY_BYTES))

    def seal(self, clear: bytes, context: str) -> bytes:
        """Return `clear` sealed: version, nonce, ciphertext and tag."""
        nonce = os.urandom(_NONCE_BYTES)
        return _VERSION + nonce + self._cipher.encrypt(nonce, clear, context.encode())

    def open(self, sealed: bytes, context: str) -> bytes:
        """Return the clear bytes.

        Raises:
            SealBroken: wrong key, wrong context, or changed bytes.
        """
        if sealed[:1] != _VERSION:
            raise SealBroken("sealed in an unknown format")
        nonce = sealed[1 : 1 + _NONCE_BYTES]
        try:
            return self._cipher.decrypt(nonce, sealed[1 + _NONCE_BYTES :], context.encode())
        except (InvalidTag, ValueError):
            raise SealBroken("the seal does not fit: wrong key, wrong place, or changed") from None

    def wrap(self, key: "Key", context: str) -> bytes:
        """Return another key sealed with this one, fit to be stored."""
        return self.seal(key._raw, context)

    def unwrap(self, wrapped: bytes, context: str) -> "Key":
        """Return the key that `wrap` sealed.

        Raises:
            SealBroken: see `open`.
        """
        return Key(self.open(wrapped, context))
