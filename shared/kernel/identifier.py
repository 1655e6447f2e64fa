"""Identifiers that the same cause always makes again.

A UUIDv7 (RFC 9562) whose time bits are the time of the event and whose other bits are a hash of its cause. The same
message handled again gives the same ids, so a repeat is recognised and a replay is equal byte for byte.
"""

from datetime import datetime
from hashlib import sha256

_VARIANTS = "89ab"


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
    when = f"{milliseconds:012x}"
    digest = sha256("\x1f".join(cause).encode()).digest()
    chance = digest[:10].hex()
    variant = _VARIANTS[digest[10] & 3]
    return f"{when[:8]}-{when[8:]}-7{chance[:3]}-{variant}{chance[3:6]}-{chance[6:18]}"
