"""Calls as a unit test makes them: to this machine, which is allowed, with a short patience."""

import ssl
from collections.abc import Callable, Sequence

import pytest

from services.feed.address import Allowed
from services.feed.caller import SECONDS, Answer, Caller, NoAnswer

HERE = Allowed.read("127.0.0.0/8")
BODY = b'{"type":"referral.requested"}'
HEADERS = {"Content-Type": "application/cloudevents+json", "webhook-id": "id-1"}
#: Seconds for a call of a test that must run into its end.
SHORT = 0.6
#: Seconds in which such a call has ended, however busy the machine is; fewer than a call takes by default.
SOON = 10.0


def nowhere(host: str, port: int, seconds: float) -> Sequence[str]:
    raise AssertionError("an address needs no lookup")


def caller(
    resolve: Callable[[str, int, float], Sequence[str]] = nowhere,
    allowed: Allowed = HERE,
    context: ssl.SSLContext | None = None,
) -> Caller:
    return Caller(allowed, resolve, context or ssl.create_default_context())


def post(url: str, seconds: float = SECONDS, **options: object) -> Answer:
    """Call once and hang up."""
    one = caller(**options)  # type: ignore[arg-type]
    try:
        return one.post(url, HEADERS, BODY, seconds)
    finally:
        one.hang_up()


def why_not(url: str, seconds: float = SECONDS, **options: object) -> str:
    """Return why a call comes to nothing."""
    with pytest.raises(NoAnswer) as none:
        post(url, seconds, **options)
    return str(none.value)
