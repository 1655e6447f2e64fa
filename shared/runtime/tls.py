"""TLS on a connection that a service has taken: the handshake, then bytes in and out, by the connection's own thread.

It works on memory and leaves waiting to the socket below, so a client that stops in the middle of a handshake or of a
record holds up nobody else.
"""

import ssl
from contextlib import suppress
from pathlib import Path
from typing import Any

from shared.runtime.variables import SettingError

CERTIFICATE, KEY = "NIANGJIA_HTTP_CERTIFICATE", "NIANGJIA_HTTP_KEY"
#: What is encrypted, or asked of the socket, at once.
_PIECE = 64 * 1024


def server_context(certificate: Path, key: Path) -> ssl.SSLContext:
    """Return what a server needs for TLS 1.2 or newer.

    Raises:
        SettingError: a file cannot be read or used, or the two do not belong together.
    """
    for name, file in ((CERTIFICATE, certificate), (KEY, key)):
        try:
            file.read_bytes()
        except OSError as error:
            raise SettingError(name, f"cannot be read ({type(error).__name__})", "name a readable PEM file") from None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.options |= ssl.OP_NO_COMPRESSION | ssl.OP_NO_RENEGOTIATION
    context.set_alpn_protocols(["http/1.1"])
    try:
        # an empty password, so that nobody is asked for one at a terminal
        context.load_cert_chain(certificate, key, password="")
    except (ssl.SSLError, ValueError):
        remedy = "give a certificate chain and its own key, both PEM, the key without a password"
        raise SettingError(CERTIFICATE, f"and {KEY} cannot be used together", remedy) from None
    return context


class TlsSocket:
    """A socket that speaks TLS, with as much of a socket's interface as a connection uses."""

    def __init__(self, sock: Any, context: ssl.SSLContext) -> None:
        self._sock = sock
        self._in, self._out = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._in, self._out, server_side=True)

    def handshake(self) -> None:
        """Agree on keys.

        Raises:
            OSError: the client speaks no TLS, or none that is good enough, or went away.
        """
        while True:
            try:
                self._tls.do_handshake()
                self._flush()
                return
            except ssl.SSLWantReadError:
                self._flush()
                self._fill()
            except ssl.SSLError:
                self._flush()  # says why, to a client that understands it
                raise

    def recv(self, size: int) -> bytes:
        """Return what has come; nothing when the client says that no more will, or went away."""
        while True:
            try:
                data: bytes = self._tls.read(size)
                return data
            except ssl.SSLWantReadError:
                self._fill()
            except (ssl.SSLZeroReturnError, ssl.SSLEOFError):
                return b""

    def sendall(self, data: bytes) -> None:
        """Send all of it."""
        for start in range(0, len(data), _PIECE):
            self._tls.write(data[start : start + _PIECE])
            self._flush()

    def settimeout(self, seconds: float | None) -> None:
        """Limit how long each wait of the socket may last."""
        self._sock.settimeout(seconds)

    def setsockopt(self, level: int, name: int, value: int) -> None:
        """Set an option of the socket."""
        self._sock.setsockopt(level, name, value)

    def shutdown(self, how: int) -> None:
        """Say that nothing more will be sent."""
        with suppress(ssl.SSLError):  # the client has not said so yet, or never will
            self._tls.unwrap()
        self._flush()
        self._sock.shutdown(how)

    def close(self) -> None:
        """Leave the connection."""
        self._sock.close()

    def _fill(self) -> None:
        if data := self._sock.recv(_PIECE):
            self._in.write(data)
        else:
            self._in.write_eof()

    def _flush(self) -> None:
        if data := self._out.read():
            self._sock.sendall(data)
