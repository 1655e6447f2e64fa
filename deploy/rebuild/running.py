"""Whether a service runs: nobody may put other states in its place then."""

import socket
import time
from urllib.parse import urlsplit

from deploy.home import Home
from deploy.problem import Problem
from deploy.stores import Store
from shared.runtime.lease import TERM

_ANSWER_SECONDS = 2
_PAUSE_SECONDS = 0.5


def why_not_stopped(home: Home, store: Store) -> str:
    """Say by what it is seen that a service runs; "" when it does not.

    Each replica wants the lease of the relay. One that was killed keeps it for some seconds, which are waited for.
    """
    if _listens(home, store.service):
        return f"{store.service} answers at its address"
    until = time.monotonic() + TERM.total_seconds() + 1
    while _is_leased(store):
        if time.monotonic() > until:
            return f"a replica of {store.service} prolongs its lease"
        time.sleep(_PAUSE_SECONDS)
    return ""


def check_stopped(home: Home, store: Store) -> None:
    """Let pass when a service is stopped.

    Raises:
        Problem: it runs.
    """
    if why := why_not_stopped(home, store):
        raise Problem(f"{why}, so its states cannot be replaced", f"stop {store.service}, then call it again")


def _is_leased(store: Store) -> bool:
    held = {"_id": "relay", "holder": {"$exists": True}, "$expr": {"$gt": ["$until", "$$NOW"]}}
    return store.database["relay"].find_one(held, {"_id": 1}) is not None


def _listens(home: Home, service: str) -> bool:
    """Tell whether somebody takes connections where the service answers, well or not."""
    try:
        place = urlsplit(home.service_url(service))
    except Problem:
        return False  # nothing says where; the lease tells
    port = place.port or (443 if place.scheme == "https" else 80)
    try:
        with socket.create_connection((place.hostname or "", port), _ANSWER_SECONDS):
            return True
    except OSError:
        return False
