"""The federation's key, with which anchors and bundles are signed."""

from typing import Self

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from deploy.evidence.verify_bundle import fingerprint
from deploy.home import Home
from deploy.keys import signing_key


class Signer:
    """Signs with Ed25519."""

    def __init__(self, secret: bytes) -> None:
        self._key = Ed25519PrivateKey.from_private_bytes(secret)
        #: The public key.
        self.public: bytes = self._key.public_key().public_bytes_raw()

    @classmethod
    def of(cls, home: Home) -> Self:
        """Return the signer of a home, whose key is generated at the first time.

        Raises:
            Problem: the key is not where it should be.
            SettingError: it cannot be used.
        """
        return cls(signing_key(home))

    @property
    def fingerprint(self) -> str:
        """The public key, as people compare it."""
        return fingerprint(self.public)

    def sign(self, content: bytes) -> str:
        """Return the signature in hexadecimal digits."""
        return self._key.sign(content).hex()


def is_signed(key: bytes, content: bytes, signature: bytes) -> bool:
    """Tell whether a signature was made with the secret key that belongs to a public one."""
    try:
        Ed25519PublicKey.from_public_bytes(key).verify(signature, content)
    except (InvalidSignature, ValueError):
        return False
    return True
