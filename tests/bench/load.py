"""Sends requests as fast as they are answered, or at a set rate, and costs as little processor time as it can.

The machine is shared with what is measured, so: request bytes are made beforehand, sockets are read when epoll says so,
and of an answer only the status and the length are looked at.
"""

import select
import socket
from array import array
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from time import perf_counter, process_time

#: Seconds without any answer after which a run is given up.
PATIENCE = 60.0
_HEAD_END = b"\r\n\r\n"


class NoAnswer(Exception):
    """Nothing was answered for as long as the load generator is patient."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """What one run saw; times in seconds, moments of `time.perf_counter`."""

    first_sent: float
    last_answered: float
    #: Sorted. Of a paced run counted from when the request was due, so a stalled server is not let off.
    latencies: Sequence[float]
    #: Requests that were not answered 2xx.
    failed: int
    #: Status line of the first that was not answered 2xx.
    complaint: str
    #: Processor time of the load generator.
    cpu: float

    def quantile(self, share: float) -> float:
        """Return the latency that `share` of the requests did not exceed."""
        return self.latencies[min(len(self.latencies) - 1, int(len(self.latencies) * share))]


def rendered(bodies: Iterable[bytes], *, host: str, path: str, headers: Mapping[str, str]) -> list[bytes]:
    """Return the bytes of one POST request for each body."""
    lines = {"Host": host, "Content-Type": "application/json", **headers}
    head = f"POST {path} HTTP/1.1\r\n" + "".join(f"{name}: {value}\r\n" for name, value in lines.items())
    return [b"%sContent-Length: %d\r\n\r\n%s" % (head.encode(), len(body), body) for body in bodies]


class Load:
    """Keep-alive connections to one address, over which a list of requests is sent once."""

    def __init__(self, address: tuple[str, int], *, connections: int) -> None:
        self._address = address
        self._amount = connections

    def run(
        self, requests: Sequence[bytes], *, rate: float | None = None, heard: list[tuple[float, bytes]] | None = None
    ) -> Sample:
        """Send every request and wait for all the answers.

        Args:
            rate: in requests per second; None for as fast as can be.
            heard: where to put each answer that is 2xx, with its moment.

        Raises:
            NoAnswer: the server has stopped answering.
        """
        run = _Run(self._address, min(self._amount, len(requests)), requests, rate, heard)
        try:
            return run.sample()
        finally:
            run.close()


class _Run:
    def __init__(
        self,
        address: tuple[str, int],
        amount: int,
        requests: Sequence[bytes],
        rate: float | None,
        heard: list[tuple[float, bytes]] | None,
    ) -> None:
        self._heard = heard
        self._address = address
        self._requests = requests
        self._rate = rate
        self._poll = select.epoll()
        self._sockets: dict[int, socket.socket] = {}
        self._free: deque[int] = deque()
        self._sent_at: dict[int, float] = {}
        self._partial: dict[int, bytes] = {}
        self._latencies = array("d")
        self._next = 0
        self._failed = 0
        self._complaint = ""
        for _ in range(amount):
            self._connect()

    def close(self) -> None:
        for connection in self._sockets.values():
            connection.close()
        self._poll.close()

    def sample(self) -> Sample:
        cpu = process_time()
        first_sent = heard = perf_counter()
        while len(self._latencies) + self._failed < len(self._requests):
            wait = self._send_due(first_sent)
            events = self._poll.poll(wait)
            now = perf_counter()
            if events:
                heard = now
            elif now - heard > PATIENCE:
                raise NoAnswer(f"port {self._address[1]} answers nothing more; first complaint: {self._complaint}")
            for number, _ in events:
                self._receive(number, now)
        return Sample(
            first_sent=first_sent,
            last_answered=heard,
            latencies=sorted(self._latencies),
            failed=self._failed,
            complaint=self._complaint,
            cpu=process_time() - cpu,
        )

    def _connect(self) -> None:
        connection = socket.create_connection(self._address, timeout=PATIENCE)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        number = connection.fileno()
        self._sockets[number] = connection
        self._poll.register(number, select.EPOLLIN)
        self._free.append(number)

    def _send_due(self, start: float) -> float:
        """Send over the free connections what is due; return the seconds until something can be due again."""
        while self._free and self._next < len(self._requests):
            due = now = perf_counter()
            if self._rate is not None:
                due = start + self._next / self._rate
                if due > now:
                    return due - now
            number = self._free.popleft()
            self._sent_at[number] = due
            self._sockets[number].sendall(self._requests[self._next])
            self._next += 1
        return 1.0

    def _receive(self, number: int, now: float) -> None:
        try:
            data = self._sockets[number].recv(65536)
        except ConnectionError:
            data = b""
        if not data:
            self._reconnect(number)
            return
        if number in self._partial:
            data = self._partial.pop(number) + data
        if not _complete(data):
            self._partial[number] = data
            return
        sent_at = self._sent_at.pop(number)
        if data[9:10] == b"2":
            self._latencies.append(now - sent_at)
            if self._heard is not None:
                self._heard.append((now, data))
        else:
            self._fail(data.partition(b"\r\n")[0].decode("latin-1"))
        self._free.append(number)

    def _reconnect(self, number: int) -> None:
        """Replace a connection that the server closed; what was under way on it has failed."""
        if self._sent_at.pop(number, None) is not None:
            self._fail("connection closed without an answer")
        self._partial.pop(number, None)
        if number in self._free:
            self._free.remove(number)
        self._sockets.pop(number).close()
        self._connect()

    def _fail(self, complaint: str) -> None:
        self._failed += 1
        self._complaint = self._complaint or complaint


def _complete(data: bytes) -> bool:
    """Say whether an answer has arrived to its end."""
    end = data.find(_HEAD_END)
    if end < 0:
        return False
    head = data[:end].lower()
    start = head.find(b"content-length:")
    if start < 0:
        return b"transfer-encoding:" not in head or data.endswith(b"\r\n0\r\n\r\n")
    stop = head.find(b"\r\n", start)
    length = int(head[start + 15 : stop if stop > 0 else end])
    return len(data) >= end + 4 + length
