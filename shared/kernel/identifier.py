"""Identifiers that the same cause always makes again.

A UUIDv7 (RFC 9562) whose time bits are the time of the event and whose other bits are a hash of its cause. The same
message handled again gives the same ids, so a repeat is recognised and a replay is equal byte for byte.
"""

from datetime import datetime
from functools import lru_cache
from hashlib import sha256

#: Two bits say that it is one of RFC 9562; the other two are those of the hash's digit.
_VARIANTS = {digit: "89ab"[int(digit, 16) & 3] for digit in "0123456789abcdef"}


def identifier(time: datetime, *cause: str) -> str:
    """Return a UUIDv7 for what `cause` (any texts, in order) brought about at `time` (aware).

    Raises:
        ValueError: `time` has no offset or lies before 1970.
    """
    chance = sha256("\x1f".join(cause).encode()).hexdigest()
    return f"{_when(time)}-7{chance[:3]}-{_VARIANTS[chance[21]]}{chance[3:6]}-{chance[6:18]}"


@lru_cache(maxsize=1024)
def _when(time: datetime) -> str:
    """Return the time bits; much happens at one time."""
    if time.tzinfo is None:
        raise ValueError("time needs an offset")
    milliseconds = int(time.timestamp() * 1000)
    if milliseconds < 0:
        raise ValueError("time must not lie before 1970")
    when = f"{milliseconds:012x}"
    return f"{when[:8]}-{when[8:]}"
