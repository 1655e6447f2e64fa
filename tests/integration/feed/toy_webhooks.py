"""Feed with its webhooks and nothing else: it does what commands say, so that a test decides what is delivered when."""

import time
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from eventlet import patcher

from services.feed import line, webhook
from services.feed.model import FeedModel
from services.feed.shareable import shareable
from services.feed.webhook import WebhookCaller
from shared.kernel import Message
from shared.runtime.auth import Role
from shared.runtime.http import Answer, Request, http
from shared.runtime.jsontext import parse
from shared.runtime.service import Service
from shared.runtime.work import UnitOfWork
from tests.support.webhooks import SLOW, SLOW_SECONDS

#: A heartbeat each second, so that nobody has to wait for ten minutes.
line.HEARTBEATS = 1  # type: ignore[misc]
_sleep = patcher.original("time").sleep
_find = webhook.find


def find(host: str, port: int, **options: Any) -> Sequence[Any]:
    """Look up a name, without asking anybody outside."""
    if host == SLOW:
        _sleep(SLOW_SECONDS)
    found: Sequence[Any] = _find("127.0.0.1", port, **options)
    return found


webhook.find = find


class ToyWebhooks(Service):
    """The nameko service."""

    name = "feed"
    work = UnitOfWork(lambda _: FeedModel(shareable()))
    caller = WebhookCaller()

    @http("POST", "/commands", roles={Role.ADMIN})
    def do_commands(self, request: Request) -> Answer:
        """Take [[id, type, data, case], …]; answer what became of each."""
        now = datetime.now(UTC)
        commands = [
            Message(id=n, type=kind, time=now, data=data, case=case) for n, kind, data, case in parse(request.body)
        ]
        return Answer(content=[ticket.fate for ticket in self.work.do_all(commands)])

    @http("GET", "/clock", roles={Role.ADMIN})
    def show_clock(self, request: Request) -> Answer:
        """Tell that the process is not held up."""
        return Answer(content={"at": time.time()})
