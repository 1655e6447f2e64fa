"""A connection to a partner, with or without TLS, on which no wait outlasts the call that it is for.

TLS works on memory and leaves waiting to the socket below: each piece is waited for only as long as the whole call may
still take. So who sends byte by byte is cut as surely as who sends nothing.
"""

import socket
import ssl
import time
from contextlib import suppress
from typing import Any, Final

#: Bytes that are asked of the socket at once.
_PIECE: Final = 16 * 1024
#: Bytes that a partner may send in one call, TLS included; far above any answer that is looked at.
_MOST: Final = 256 * 1024
_CLOSING_SECONDS: Final = 1.0


class Closed(ConnectionError):
    """The partner ended the connection."""


class TooMuch(ConnectionError):
    """The partner sends without end."""


class Clock:
    """How long a call may still take."""

    def __init__(self, seconds: float) -> None:
        self._until = time.monotonic() + seconds

    def left(self) -> float:
        """Return the seconds that are left.

        Raises:
            TimeoutError: there are none.
        """
        seconds = self._until - time.monotonic()
        if seconds <= 0:
            raise TimeoutError
        return seconds


class Wire:
    """One connection. Everything that waits raises `TimeoutError` when the call's time is over.

    Args:
        sock: connected.
        context: of TLS; None where it is not spoken.
        host: the name for which the partner's certificate must be.
    """

    def __init__(self, sock: socket.socket, context: ssl.SSLContext | None, host: str) -> None:
        self._sock = sock
        self._taken = 0
        self._in, self._out = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls: Any = context.wrap_bio(self._in, self._out, server_hostname=host) if context else None

    def handshake(self, clock: Clock) -> None:
        """Agree on keys, and know the partner by its certificate.

        Raises:
            OSError: it has none that counts, speaks no TLS that is good enough, or went away.
        """
        if self._tls is not None:
            self._work(self._tls.do_handshake, clock)

    def send(self, data: bytes, clock: Clock) -> None:
        """Send all of it."""
        self._taken = 0
        if self._tls is None:
            self._put(data, clock)
            return
        self._tls.write(data)
        self._flush(clock)

    def receive(self, clock: Clock) -> bytes:
        """Return what has come.

        Raises:
            Closed: nothing more will.
            TooMuch: more came than any answer needs.
        """
        if self._tls is None:
            return self._take(clock)
        with suppress(ssl.SSLZeroReturnError, ssl.SSLEOFError):
            data: bytes = self._work(lambda: self._tls.read(_PIECE), clock)
            if data:
                return data
        raise Closed

    def close(self) -> None:
        """Leave; say so, if that needs no waiting."""
        with suppress(OSError, ssl.SSLError):
            if self._tls is not None:
                with suppress(ssl.SSLError):  # the partner has not said so yet, or never will
                    self._tls.unwrap()
                self._flush(Clock(_CLOSING_SECONDS))
        self._sock.close()

    def _work(self, step: Any, clock: Clock) -> Any:
        """Do a step of TLS, fetching and sending whatever it wants."""
        while True:
            try:
                done = step()
                self._flush(clock)
                return done
            except ssl.SSLWantReadError:
                self._flush(clock)
                self._in.write(self._take(clock))
            except ssl.SSLZeroReturnError:
                raise
            except ssl.SSLError:
                with suppress(OSError):  # says why, to a partner that listens
                    self._flush(clock)
                raise

    def _take(self, clock: Clock) -> bytes:
        self._sock.settimeout(clock.left())
        data = self._sock.recv(_PIECE)
        self._taken += len(data)
        if not data:
            raise Closed
        if self._taken > _MOST:
            raise TooMuch
        return data

    def _flush(self, clock: Clock) -> None:
        if data := self._out.read():
            self._put(data, clock)

    def _put(self, data: bytes, clock: Clock) -> None:
        rest = memoryview(data)
        while rest:
            self._sock.settimeout(clock.left())
            rest = rest[self._sock.send(rest) :]
