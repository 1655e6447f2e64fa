"""Calls a partner: one POST, one answer, and as little trust as possible.

Nothing of the environment counts (no proxy, no netrc), nothing is remembered between calls (no cookie), a redirect is
an answer like any other, and of the answer only the status and `Retry-After` are looked at.
"""

import socket
import ssl
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any, Final

import httptools
from msgspec import Struct

from services.feed.address import AddressRefused, Allowed, Target, literal, target
from services.feed.reply import Reply
from services.feed.wire import Clock, Closed, Wire

#: Seconds in which a partner must have answered, the connection included.
SECONDS: Final = 15.0
#: Seconds for one of several addresses to take a connection.
_CONNECT_SECONDS: Final = 5.0
#: Addresses of a host that are tried.
_ADDRESSES: Final = 4

#: Returns the addresses of a host; raises OSError where there is none, TimeoutError after some seconds.
Resolve = Callable[[str, int, float], Sequence[str]]


class Answer(Struct, frozen=True, kw_only=True):
    """What a partner said."""

    status: int
    #: Seconds for which it wants to be left alone; 0 where it does not say.
    retry_after: float = 0.0


class NoAnswer(Exception):
    """The call came to nothing; the text is a code for why."""


class Caller:
    """Calls one partner, over the same connection as long as calls follow each other.

    Args:
        allowed: addresses that may be called though they are not public.
        resolve: finds the addresses of a host, anew for each connection.
        context: of TLS.
    """

    def __init__(self, allowed: Allowed, resolve: Resolve, context: ssl.SSLContext) -> None:
        self._allowed = allowed
        self._resolve = resolve
        self._context = context
        self._wire: Wire | None = None
        self._target: Target | None = None

    def post(self, url: str, headers: Mapping[str, str], body: bytes, seconds: float = SECONDS) -> Answer:
        """Send a body and return the answer.

        Raises:
            NoAnswer: there is none.
        """
        clock = Clock(seconds)
        try:
            place = target(url, self._allowed)
            return self._posted(place, _request(place, headers, body), clock)
        except Exception as error:
            self.hang_up()
            why = _why(error)
            if not why:
                raise
            raise NoAnswer(why) from None

    def hang_up(self) -> None:
        """Leave the connection, if there is one."""
        if self._wire is not None:
            self._wire.close()
        self._wire = self._target = None

    def _posted(self, place: Target, request: bytes, clock: Clock) -> Answer:
        if self._wire is not None and self._target == place:
            with suppress(ConnectionError):  # it was left from the last call, and is gone
                return self._exchanged(self._wire, request, clock)
        self.hang_up()
        self._wire, self._target = self._connected(place, clock), place
        return self._exchanged(self._wire, request, clock)

    def _exchanged(self, wire: Wire, request: bytes, clock: Clock) -> Answer:
        wire.send(request, clock)
        reply = Reply()
        while not reply.is_known:
            reply.feed(wire.receive(clock))
        # The status is all that counts. What follows is taken so that the connection can be used again.
        with suppress(OSError, httptools.HttpParserError):
            while reply.is_worth_reading:
                reply.feed(wire.receive(clock))
        if not reply.leaves_open:
            self.hang_up()
        return Answer(status=reply.status, retry_after=reply.retry_after)

    def _connected(self, place: Target, clock: Clock) -> Wire:
        """Return a connection to an address that was looked at, and to no other.

        Raises:
            AddressRefused: the host is only where nobody may be called.
        """
        known = [place.host] if literal(place.host) else self._resolve(place.host, place.port, clock.left())
        addresses = [address for address in known if place.may_be_at(address, self._allowed)]
        if not addresses:
            raise AddressRefused("leads to addresses that may not be called")
        wire = Wire(
            _socket(addresses[:_ADDRESSES], place.port, clock), self._context if place.secure else None, place.host
        )
        try:
            wire.handshake(clock)
        except Exception:
            wire.close()
            raise
        return wire


def addresses(host: str, port: int, find: Any = socket.getaddrinfo) -> list[str]:
    """Return the addresses of a host, in the order in which they are to be tried. Blocks.

    Raises:
        OSError: there is none.
    """
    return list(dict.fromkeys(found[4][0] for found in find(host, port, type=socket.SOCK_STREAM)))


def _request(place: Target, headers: Mapping[str, str], body: bytes) -> bytes:
    lines = [f"POST {place.path} HTTP/1.1", f"Host: {place.authority}", f"Content-Length: {len(body)}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode("ascii") + body


def _socket(addresses: Sequence[str], port: int, clock: Clock) -> socket.socket:
    """Return a connection to the first address that takes one.

    Raises:
        OSError: none does.
    """
    for n, address in enumerate(addresses, start=1):
        sock = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_STREAM)
        try:
            sock.settimeout(clock.left() if n == len(addresses) else min(clock.left(), _CONNECT_SECONDS))
            sock.connect((address, port))
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            return sock
        except OSError:
            sock.close()
            if n == len(addresses):
                raise
    raise AssertionError("unreachable")


#: Why there is no answer, by the first kind of error that fits.
_REASONS: Final[Sequence[tuple[type[Exception], str]]] = (
    (AddressRefused, "address"),
    (TimeoutError, "timeout"),
    (socket.gaierror, "name"),
    (UnicodeError, "name"),
    (ssl.SSLCertVerificationError, "certificate"),
    (ssl.SSLError, "tls"),
    (Closed, "closed"),
    (OSError, "connection"),
    (httptools.HttpParserError, "protocol"),
)


def _why(error: Exception) -> str:
    return next((why for kind, why in _REASONS if isinstance(error, kind)), "")
