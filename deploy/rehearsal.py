"""A rehearsal: the sample week's events, for a sandbox only, as fast as they come or as slowly as somebody wants."""

import time
from collections.abc import Callable, Iterable, Iterator
from http import HTTPStatus
from itertools import pairwise
from urllib.parse import quote

import orjson

from deploy.client import NDJSON, ServiceClient
from deploy.home import Home
from deploy.problem import Problem
from deploy.sample.events import SampleEvent, sample_events
from shared.runtime.auth import Role

#: Events that are sent at once when nobody wants them slower.
_AT_ONCE = 200


def rehearse(home: Home, name: str, speed: float, say: Callable[[str], None] = lambda _: None) -> tuple[int, int]:
    """Put the sample week through a sandbox; return how many events it heard of, and the number of its last delivery.

    Args:
        speed: how many seconds of the week pass in one; 0 for all at once.
        say: told of the progress.

    Raises:
        Problem: there is no such agency, or it is no sandbox.
    """
    events, last, sent = list(sample_events()), 0, 0
    with ServiceClient(home, "feed", role=Role.ADMIN) as client:
        for some in _paced(events, speed) if speed else _chunks(events):
            last = _send(client, name, some)
            sent += len(some)
            say(f"{sent} of {len(events)} events; last number {last}")
    return sent, last


def _chunks(events: list[SampleEvent]) -> Iterator[list[SampleEvent]]:
    for begin in range(0, len(events), _AT_ONCE):
        yield events[begin : begin + _AT_ONCE]


def _paced(events: list[SampleEvent], speed: float) -> Iterator[list[SampleEvent]]:
    """Yield the events one by one, each after as long as the week took for it, divided by the speed."""
    yield events[:1]
    for before, event in pairwise(events):
        time.sleep((event.time - before.time).total_seconds() / speed)
        yield [event]


def _send(client: ServiceClient, name: str, events: Iterable[SampleEvent]) -> int:
    lines = [
        orjson.dumps({"type": one.type, "subject": one.subject, "case": one.case, "data": one.data}) for one in events
    ]
    path = f"/agencies/{quote(name, safe='')}/rehearsals"
    answer = client.ask("POST", path, body=b"\n".join(lines), content_type=NDJSON)
    if answer.status_code == HTTPStatus.NOT_FOUND:
        raise Problem(f"there is no agency {name}", "see `niangjia agencies show`")
    if not answer.ok:
        raise Problem(f"feed refuses with {answer.status_code}", "see `niangjia doctor`")
    answers = [orjson.loads(line) for line in answer.content.splitlines()]
    refused = next((one for one in answers if one["status"] != HTTPStatus.CREATED), None)
    if refused is not None:
        raise Problem(refused["detail"], f"add one with `niangjia agencies add {name}-sandbox … --sandbox`")
    last: int = answers[-1]["last"]
    return last
