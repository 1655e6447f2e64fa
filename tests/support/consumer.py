"""A consumer for the conformance kit: right in everything, but for the one fault that it is asked for.

python consumer.py events|stream|PORT [FAULT]
"""

import base64
import hmac
import json
import os
import sys
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

WAY, FAULT = sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else ""
URL, TOKEN = os.environ["FEED_URL"], Path(os.environ["FEED_TOKEN_FILE"])
STATE = TOKEN.with_name("consumer.number")
FIVE_MINUTES = 300

first_token = TOKEN.read_text().strip()
last = int(STATE.read_text()) if STATE.exists() else 0
recalled: set[int] = set()


def ask(address: str, content: Any = None) -> Any:
    token = first_token if FAULT == "keeps its key" else TOKEN.read_text().strip()
    body = None if content is None else json.dumps(content).encode()
    return urlopen(Request(address, body, {"Authorization": f"Bearer {token}"}), timeout=10)


def receipt(number: int, what: str) -> None:
    ask(f"{URL}/receipts", {"number": number, "receipt": what}).close()


def people(address: str) -> bool:
    """Tell whether they may be known."""
    while True:
        try:
            ask(address).close()
            return True
        except HTTPError as error:
            if error.code == 401:
                raise
            if FAULT != "asks for ever":
                return False
            time.sleep(0.05)


def take(event: dict[str, Any]) -> bool:
    """Handle an event; tell whether it is done with."""
    global last
    number = int(event.get("sequence", 0))
    if not number or (number <= last and FAULT != "takes all twice"):
        return True
    if number > last + 1 and FAULT != "sees no gap":
        return False
    if FAULT == "knows all types" and not event["type"].startswith(("referral.", "risk.", "delivery.")):
        sys.exit(3)
    if FAULT == "knows all fields" and "later_addition" in event["data"]:
        sys.exit(3)
    told = people(event["dataref"]) if "dataref" in event else True
    if event.get("replayof") and FAULT == "acts on replays":
        receipt(number, "acted")  # before the kit has all that it waits for, and soon looks no more
    if FAULT != "says nothing":
        receipt(number, "received")
    if told and not event.get("replayof"):
        receipt(number, "acted")
    if event["type"] == "delivery.recalled" and FAULT == "forgets recalls":
        receipt(event["data"]["numbers"][0], "acted")
    last = number
    STATE.write_text(str(last))
    return True


def pages() -> Iterator[Any]:
    while True:
        events = json.load(ask(f"{URL}/events?after={last}"))["events"]
        if FAULT == "turns pages round":
            for event in reversed(events):
                receipt(int(event["sequence"]), "received")
            globals().update(last=int(events[-1]["sequence"]) if events else last)
            events = []
        yield from events
        if not events:
            time.sleep(0.1)


def stream() -> Iterator[Any]:
    begin = 0 if FAULT == "begins anew" else last
    answer = ask(f"{URL}/stream?after={begin}")
    for line in answer:
        if line.startswith(b"data: ") and line.endswith(b"\n"):
            yield json.loads(line[6:])


def read() -> None:
    while True:
        try:
            for event in pages() if WAY == "events" else stream():
                if not take(event):
                    break
        except (OSError, ValueError):
            pass
        except Exception as error:
            if "IncompleteRead" not in type(error).__name__:
                raise
        time.sleep(0.1)


class Hook(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        status = 204
        if not self.is_signed(body) or not self.is_fresh():
            status = 401
        else:
            try:
                status = 204 if take(json.loads(body)) else 409
            except OSError:
                status = 503
        self.send_response(status)
        self.end_headers()

    def is_signed(self, body: bytes) -> bool:
        secret = base64.b64decode(os.environ["WEBHOOK_SECRET"].removeprefix("whsec_"))
        content = f"{self.headers['webhook-id']}.{self.headers['webhook-timestamp']}.".encode() + body
        right = "v1," + base64.b64encode(hmac.digest(secret, content, "sha256")).decode()
        found = self.headers["webhook-signature"].split()
        return FAULT == "trusts everybody" or right in (found[:1] if FAULT == "reads one signature" else found)

    def is_fresh(self) -> bool:
        age = abs(time.time() - int(self.headers["webhook-timestamp"]))
        return age < FIVE_MINUTES or FAULT == "trusts the past"

    def log_message(self, *_: object) -> None:
        pass


if __name__ == "__main__":
    if WAY.isdigit():
        HTTPServer(("127.0.0.1", int(WAY)), Hook).serve_forever()
    read()
