"""An agency as a test plays it: asks its feed, follows its stream, and knows nothing but its address and token."""

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from copy import deepcopy
from http.client import HTTPConnection, HTTPException
from typing import Any, Self

import requests
import yaml

from shared.events import Event, event_type
from shared.kernel import identifier
from shared.runtime.auth import Bearer, Role, issue
from tests.integration.runtime.bus import Bus
from tests.integration.runtime.toy import NOON
from tests.support.system import ROOT, System, wait_until

#: Seconds after which nothing more is expected.
PATIENCE = 20
#: Where things happen unless somebody says otherwise.
COUNTY = "330302"


class Partner:
    """One agency, which asks one replica of feed."""

    def __init__(self, system: System, name: str, token: str, replica: str = "feed") -> None:
        self.system = system
        self.name = name
        self.token = token
        self.replica = replica
        self._session = requests.Session()
        self._session.trust_env = False

    def ask(self, path: str = "", *, method: str = "GET", **options: Any) -> requests.Response:
        """Ask for something of its feed."""
        url = f"{self.system.url(self.replica)}/feeds/{self.name}{path}"
        headers = {"Authorization": f"Bearer {self.token}", **options.pop("headers", {})}
        return self._session.request(method, url, headers=headers, timeout=PATIENCE, **options)

    def send(self, path: str, **content: Any) -> requests.Response:
        """Send something to its feed."""
        return self.ask(path, method="POST", json=content)

    def events(self, after: int = 0, limit: int = 1000) -> list[dict[str, Any]]:
        """Return all deliveries after a number."""
        found: list[dict[str, Any]] = []
        while True:
            page = self.ask(f"/events?after={after}&limit={limit}").json()
            found += page["events"]
            if page["next"] == after:
                return found
            after = page["next"]

    def last(self) -> int:
        """Return the number of its last delivery."""
        last: int = self.ask().json()["last"]
        return last

    def follow(self, **options: Any) -> "Follower":
        """Begin to follow its stream."""
        return Follower(self, **options)

    def close(self) -> None:
        self._session.close()


class Follower:
    """Follows a stream in a thread of its own; `resume` makes it come again whenever the stream ends."""

    def __init__(self, partner: Partner, *, after: int = 0, resume: bool = False) -> None:
        self._partner = partner
        self._resume = resume
        self._going = True
        self._connection: HTTPConnection | None = None
        self.cursor = after
        #: When each event came, by the wall clock, its number (0 for none), its type and its data.
        self.events: list[tuple[float, int, str, dict[str, Any]]] = []
        self.statuses: list[int] = []
        self.ended = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._going = False
        # one that is just made looks itself whether to go on, and one that is just closed is gone
        if sock := self._connection and self._connection.sock:
            with suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
        self._thread.join()

    @property
    def numbers(self) -> list[int]:
        """The numbers that came, in their order."""
        return [number for _, number, _, _ in self.events if number]

    def wait_for(self, count: int, seconds: float = PATIENCE) -> None:
        """Return when so many numbered events came."""
        wait_until(lambda: len(self.numbers) >= count, f"{count} events at {self._partner.name}", seconds)

    def _run(self) -> None:
        while self._going:
            with suppress(OSError, HTTPException, ValueError):
                self._follow()
            if not self._resume:
                break
            time.sleep(0.05)
        self.ended.set()

    def _follow(self) -> None:
        partner = self._partner
        connection = HTTPConnection("127.0.0.1", partner.system.ports[partner.replica], timeout=PATIENCE)
        self._connection = connection
        headers = {"Authorization": f"Bearer {partner.token}", "Last-Event-ID": str(self.cursor)}
        try:
            connection.request("GET", f"/feeds/{partner.name}/stream", headers=headers)
            if not self._going:
                return
            answer = connection.getresponse()
            self.statuses.append(answer.status)
            if answer.status == requests.codes.ok:
                for event in _parsed(iter(answer.readline, b"")):
                    self.events.append((time.time(), *event))
                    self.cursor = event[0] or self.cursor
        finally:
            connection.close()


def _parsed(lines: Iterator[bytes]) -> Iterator[tuple[int, str, dict[str, Any]]]:
    """Read Server-Sent Events; one that was cut off counts for nothing."""
    found: dict[str, str] = {}
    for line in lines:
        if line == b"\n":
            if "data" in found:
                yield int(found.get("id", 0)), found["event"], json.loads(found["data"])
            found = {}
        else:
            name, _, value = line.decode().rstrip("\n").partition(": ")
            found[name] = value


def subscribe(system: System, name: str, county: str = COUNTY, kind: str = "police", **more: Any) -> Partner:
    """Add an agency of one county that reads over HTTP only."""
    agreement = yaml.safe_load((ROOT / "services" / "feed" / "agreements" / f"{kind}.yml").read_text(encoding="utf-8"))
    content = {"name": name, "agreement": json.loads(json.dumps(agreement, default=str)), "districts": [county]}
    admin = system.client(Role.ADMIN)
    answer = admin.post("feed", "/agencies", json={**content, "stream": False, **more})
    assert answer.status_code == requests.codes.created, answer.text
    return Partner(system, name, answer.json()["http"]["token"])


def impostor(system: System, name: str, key: str, token_for: str = "") -> Partner:
    """Return who has a token of the house that names another key."""
    secret = bytes.fromhex((system.keys / "token.key").read_text())
    bearer = Bearer(name=token_for or name, role=Role.AGENCY, key=key)
    return Partner(system, name, issue(secret, bearer, 3600))


class Town:
    """What happens in the town: referrals to police, published as referral does."""

    def __init__(self, bus: Bus, source: str = "referral") -> None:
        self._bus = bus
        self._source = source
        self.happened = 0

    def referrals(self, count: int, county: str = COUNTY) -> list[Event]:
        """Let so many referrals be asked for in a county, each of a case of its own."""
        events = [self._referral(self.happened + n + 1, county) for n in range(count)]
        self.happened += count
        self._bus.publish(*events)
        return events

    def cancel(self, referral: Event) -> None:
        """Let a referral be taken back."""
        self.happened += 1
        data = {**event_type("referral.cancelled").example, "reason": "mediation_barred"}
        data |= {name: referral.data[name] for name in ("referral_id", "case_id", "agency", "purpose")}
        self._bus.publish(self._event("referral.cancelled", self.happened, data))

    def _referral(self, number: int, county: str) -> Event:
        data = deepcopy(dict(event_type("referral.requested").example))
        ids = {name: identifier(NOON, f"{name} {number}") for name in ("referral_id", "case_id")}
        said = {"agency": "police", "purpose": "protect", "basis": "life", "district": county}
        return self._event("referral.requested", number, {**data, **said, **ids})

    def _event(self, type: str, number: int, data: dict[str, Any]) -> Event:
        return Event(
            id=identifier(NOON, f"{type} {number}"),
            source=self._source,
            type=type,
            version=1,
            time=NOON,
            subject=data["referral_id"],
            sequence=number,
            correlation=data["case_id"],
            causation=f"command{number}",
            body=json.dumps(data).encode(),
        )


def timed(action: Callable[[], Any]) -> float:
    """Return how many seconds something takes."""
    began = time.monotonic()
    action()
    return time.monotonic() - began
