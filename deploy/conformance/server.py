"""The HTTP of the kit's feed: pages, Server-Sent Events, fields, receipts and replays, as a real feed has them."""

import json
import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar
from urllib.parse import parse_qs, urlsplit

import orjson

from deploy.conformance import record
from deploy.conformance.feed import LocalFeed, Sent, Trick
from services.feed.envelope import heartbeat
from shared.events.vocabulary import RECEIPTS
from shared.rules import iso

#: Seconds between heartbeats; a real feed takes more.
BEAT = 1.0
_FIELDS = re.compile(r"/deliveries/([0-9]{1,16})/fields")


class Refused(Exception):
    """A request that is answered with a problem."""

    def __init__(self, status: HTTPStatus, detail: str) -> None:
        super().__init__(detail)
        self.status = status


class Cut(Exception):
    """The connection ends here, in the middle."""


@contextmanager
def serving(feed: LocalFeed, host: str, port: int) -> Iterator[None]:
    """Answer for a feed; it learns its own address."""
    handler = type("Handler", (_Handler,), {"feed": feed})
    server = ThreadingHTTPServer((host, port), handler)
    server.daemon_threads = True
    feed.url = f"http://{host}:{server.server_address[1]}/feeds/{feed.name}"
    thread = threading.Thread(target=server.serve_forever, args=(0.1,), daemon=True)
    thread.start()
    try:
        yield
    finally:
        feed.close()
        server.shutdown()
        server.server_close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    feed: ClassVar[LocalFeed]

    def do_GET(self) -> None:
        """Answer what is asked for."""
        self._answer(self._got)

    def do_POST(self) -> None:
        """Take what is sent."""
        self._answer(self._posted)

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing: the record tells."""

    def _answer(self, work: Any) -> None:
        try:
            path, query = self._place()
            work(path, query)
        except Refused as refused:
            problem = {"status": refused.status.value, "type": "refused", "detail": str(refused)}
            self._send(refused.status, orjson.dumps(problem), "application/problem+json")
        except (Cut, OSError):
            self.close_connection = True

    def _place(self) -> tuple[str, dict[str, str]]:
        """Return the rest of the address and the query of a request that may be answered."""
        parts = urlsplit(self.path)
        base = f"/feeds/{self.feed.name}"
        if "Upgrade" in self.headers and int(self.headers.get("Content-Length") or 0):
            self.close_connection = True
            raise Refused(HTTPStatus.BAD_REQUEST, "HTTP/1.1 is spoken here; send the request without 'Upgrade'")
        if self.headers.get("Authorization") != f"Bearer {self.feed.token}":
            self.feed.record.add(record.REFUSED, 0, parts.path)
            raise Refused(HTTPStatus.UNAUTHORIZED, "this key does not count any more; use the newest")
        if not parts.path.startswith(f"{base}/"):
            raise Refused(HTTPStatus.NOT_FOUND, f"there is nothing here; your feed is at {base}")
        return parts.path.removeprefix(base), {name: values[-1] for name, values in parse_qs(parts.query).items()}

    def _got(self, path: str, query: dict[str, str]) -> None:
        if path == "/events":
            self._page(self._cursor(query.get("after", "0")), self._number(query.get("limit", "100")))
        elif path == "/stream":
            self._stream(self._cursor(self.headers.get("Last-Event-ID") or query.get("after", "0")))
        elif found := _FIELDS.fullmatch(path):
            self._people(int(found[1]))
        else:
            raise Refused(HTTPStatus.NOT_FOUND, "there is nothing here")

    def _posted(self, path: str, query: dict[str, str]) -> None:
        try:
            content = json.loads(self.rfile.read(int(self.headers.get("Content-Length") or 0)))
        except ValueError:
            raise Refused(HTTPStatus.BAD_REQUEST, "the body must be JSON") from None
        if path != "/receipts":
            raise Refused(HTTPStatus.NOT_FOUND, "there is nothing here")
        if not isinstance(content, dict) or content.get("receipt") not in RECEIPTS:
            raise Refused(HTTPStatus.UNPROCESSABLE_ENTITY, f"receipt must be one of {', '.join(RECEIPTS)}")
        number = content.get("number")
        if type(number) is not int or not 1 <= number <= self.feed.last:
            raise Refused(HTTPStatus.NOT_FOUND, "there is no delivery with this number")
        self.feed.record.add(record.RECEIPT, number, content["receipt"])
        self._send(HTTPStatus.CREATED, orjson.dumps(content))

    def _page(self, after: int, limit: int) -> None:
        found = self.feed.take(after, most=limit)
        self.feed.record.add(record.ASKED, after, "events")
        events = [one.document for one in found for _ in range(2 if one.trick is Trick.TWICE else 1)]
        following = found[-1].number if found else after
        now = iso(datetime.now(UTC))
        body = orjson.dumps({"events": events, "last": self.feed.last, "next": following, "at": now})
        self._send(HTTPStatus.OK, body, cut=any(one.trick is Trick.CUT for one in found))

    def _stream(self, after: int) -> None:
        token = self.feed.token
        self.feed.record.add(record.ASKED, after, "stream")
        self.send_response(HTTPStatus.OK)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        beat_at = time.monotonic() + BEAT
        while self.feed.is_open:
            found = self.feed.take(after, seconds=0.2)
            if token != self.feed.token:
                break  # the key was changed before they were added
            for one in found:
                self._event(one)
                after = one.number
            if time.monotonic() >= beat_at:
                alive = orjson.dumps(heartbeat(self.feed.name, self.feed.last, datetime.now(UTC)))
                self._chunk(b"event: feed.heartbeat\ndata: %s\n\n" % alive)
                beat_at = time.monotonic() + BEAT
        self._chunk(b"")

    def _event(self, one: Sent) -> None:
        text = b"id: %d\nevent: %s\ndata: %s\n\n" % (
            one.number,
            one.document["type"].encode(),
            orjson.dumps(one.document),
        )
        if one.trick is Trick.CUT:
            self._chunk(text[: len(text) // 2])
            raise Cut
        for _ in range(2 if one.trick is Trick.TWICE else 1):
            self._chunk(text)

    def _chunk(self, data: bytes) -> None:
        self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))
        self.wfile.flush()

    def _people(self, number: int) -> None:
        if number not in self.feed.people:
            raise Refused(HTTPStatus.NOT_FOUND, "no identity goes with this delivery: it has no dataref")
        found = self.feed.people[number]
        self.feed.record.add(record.FETCHED, number, "closed" if found is None else "open")
        if found is None:
            raise Refused(HTTPStatus.GONE, "it was recalled: use it no longer")
        self._send(HTTPStatus.OK, orjson.dumps({"number": number, **found}))

    def _number(self, text: str) -> int:
        if not (text.isascii() and text.isdigit() and len(text) < 13):
            raise Refused(HTTPStatus.UNPROCESSABLE_ENTITY, "must be a number")
        return int(text)

    def _cursor(self, text: str) -> int:
        number = self._number(text)
        if number > self.feed.last:
            self.feed.record.add(record.REFUSED, number, record.BEYOND)
            raise Refused(HTTPStatus.UNPROCESSABLE_ENTITY, f"after lies beyond the last number, {self.feed.last}")
        return number

    def _send(self, status: HTTPStatus, body: bytes, kind: str = "application/json", *, cut: bool = False) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        with suppress(BrokenPipeError):
            self.wfile.write(body[: len(body) // 2] if cut else body)
        if cut:
            raise Cut
