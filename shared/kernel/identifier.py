"""Identifiers that the same cause always makes again.

A UUIDv7 (RFC 9562) whose time bits are the time of the event and whose other bits are a hash of its cause. The
same message handled again gives the same ids, so a repeat is recognised and a replay is equal byte for byte.
"""

from datetime import datetime
from hashlib import sha256
from uuid import UUID

_VERSION_AND_VARIANT = (0x7 << 76) | (0x2 << 62)
_RANDOM_BITS = ((1 << 76) - 1) & ~(0xF << 76) & ~(0x3 << 62)


def identifier(time: datetime, *cause: str) -> str:
    """Return a UUIDv7 for what `cause` (any texts, in order) brought about at `time` (aware).

    Raises:
        ValueError: `time` has no offset or lies before 1970.
    """
    if time.tzinfo is None:
        raise ValueError("time needs an offset")
    milliseconds = int(time.timestamp() * 1000)
    if milliseconds < 0:
        raise ValueError("time must not lie before 1970")
    digest = int.from_bytes(sha256("\x1f".join(cause).encode()).digest()[:10], "big")
    return str(UUID(int=(milliseconds << 80) | _VERSION_AND_VARIANT | (digest & _RANDOM_BITS)))
