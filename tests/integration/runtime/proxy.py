"""A wire between a service and its broker or database that a test can cut and mend."""

import socket
import threading
from contextlib import suppress
from typing import Self
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

_DEFAULT_PORTS = {"amqp": 5672, "mongodb": 27017}


class Wire:
    """Listens on a port of its own and carries what comes to the address of a URI and back."""

    def __init__(self, uri: str) -> None:
        self._parts = urlsplit(uri)
        self._target = (self._parts.hostname or "", self._parts.port or _DEFAULT_PORTS[self._parts.scheme])
        self._ends: set[socket.socket] = set()
        self._whole = True
        # Bound and never listened on: as long as the wire is cut, nobody else gets its port.
        self._place = socket.socket()
        self._place.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._place.bind(("127.0.0.1", 0))
        self._port: int = self._place.getsockname()[1]
        self._listener = socket.create_server(("127.0.0.1", self._port))
        threading.Thread(target=self._accept, args=(self._listener,), daemon=True).start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.cut()
        self._place.close()

    @property
    def uri(self) -> str:
        """The URI through the wire. Of a replica set only this member is asked, or the wire would be passed by."""
        login, at, _ = self._parts.netloc.rpartition("@")
        query = self._parts.query
        if self._parts.scheme == "mongodb":
            kept = {name: value for name, value in parse_qsl(query) if name.lower() != "replicaset"}
            query = urlencode({**kept, "directConnection": "true"})
        return urlunsplit(self._parts._replace(netloc=f"{login}{at}127.0.0.1:{self._port}", query=query))

    def cut(self) -> None:
        """Break every connection and take none."""
        self._whole = False
        self._close(self._listener)
        for end in list(self._ends):
            self._close(end)

    def mend(self) -> None:
        """Take connections again."""
        self._whole = True
        self._listener = socket.create_server(("127.0.0.1", self._port))
        threading.Thread(target=self._accept, args=(self._listener,), daemon=True).start()

    def _accept(self, listener: socket.socket) -> None:
        while self._whole:
            try:
                near, _ = listener.accept()
            except OSError:
                return
            try:
                far = socket.create_connection(self._target)
            except OSError:
                near.close()
                continue
            self._ends |= {near, far}
            for one, other in ((near, far), (far, near)):
                threading.Thread(target=self._carry, args=(one, other), daemon=True).start()

    def _carry(self, source: socket.socket, target: socket.socket) -> None:
        with suppress(OSError):
            while self._whole and (data := source.recv(65_536)):
                target.sendall(data)
        self._close(source)
        self._close(target)

    def _close(self, end: socket.socket) -> None:
        with suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)
        end.close()
        self._ends.discard(end)
