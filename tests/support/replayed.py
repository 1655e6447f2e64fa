"""A real service, to be told what a recording says that it was told: REPLAYED_SERVICE names its module.

It has one more door, at which commands come in as they were recorded, with their ids and times; its timers go by
virtual time, which the file `virtual-time` in its home folder tells. Whatever else reaches out of the house (senders,
callers, streams of partners) is left out of it, however it is configured.
"""

import importlib
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
from nameko.extensions import DependencyProvider

from shared.kernel import Refused
from shared.replay.recording import Command, from_document
from shared.runtime.auth import Role
from shared.runtime.http import Answer, Request, http
from shared.runtime.relay import Relay
from shared.runtime.scheduler import Scheduler
from shared.runtime.service import Service
from shared.runtime.work import UnitOfWork
from tests.support.stage import DOOR, VARIABLE, VIRTUAL_TIME

#: What a service keeps; anything else that it depends on may lead outside.
_INSIDE = (UnitOfWork, Relay, Scheduler)


def virtual_time() -> datetime:
    """Return what counts as now: what the stage says, and before it says anything a time long ago."""
    file = Path(os.environ["NIANGJIA_HOME"]) / VIRTUAL_TIME
    return datetime.fromisoformat(file.read_text()) if file.exists() else datetime(1970, 1, 1, tzinfo=UTC)


class Door:
    """Takes commands as they were recorded."""

    work: UnitOfWork
    scheduler = Scheduler(virtual_time)

    @http("POST", DOOR, roles={Role.ADMIN})
    def take_recorded(self, request: Request) -> Answer:
        """Carry out one command; answer {"refused": code or null}."""
        line = from_document(orjson.loads(request.body))
        assert isinstance(line, Command)
        try:
            self.work.do(line.message)
        except Refused as refusal:
            return Answer(content={"refused": refusal.slug})
        return Answer(content={"refused": None})

    def _ailing(self) -> list[str]:
        # what was left out is not missed
        return Service._ailing(self)  # type: ignore[arg-type]


def _replayed(module: str) -> type[Service]:
    content = vars(importlib.import_module(module)).values()
    service: type[Service] = next(
        c for c in content if isinstance(c, type) and issubclass(c, Service) and c.__module__ == module
    )
    leading_out: dict[str, Any] = {
        name: None
        for name in dir(service)
        if isinstance(value := getattr(service, name), DependencyProvider) and not isinstance(value, _INSIDE)
    }
    return type("Replayed", (Door, service), {**leading_out, "__module__": __name__})


if VARIABLE in os.environ:
    Replayed = _replayed(os.environ[VARIABLE])
