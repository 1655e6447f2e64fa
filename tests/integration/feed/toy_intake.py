"""An intake that knows everybody by the same name, and keeps those waiting whom a test wants to wait."""

from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import ClassVar

import eventlet

from shared.kernel import Decision, Fact, Message, Model, Shelf, Wanted
from shared.runtime.auth import Role
from shared.runtime.http import Answer, Request, http
from shared.runtime.jsontext import parse
from shared.runtime.service import Service
from shared.runtime.work import UnitOfWork


class Nobody(Model):
    """Decides nothing."""

    name: ClassVar[str] = "intake"
    kinds: ClassVar[Mapping[str, type]] = {}

    def wants(self, message: Message) -> Wanted:
        return Wanted()

    def decide(self, shelf: Shelf, message: Message) -> Decision:
        yield from ()
        return None

    def evolve(self, shelf: Shelf, fact: Fact) -> None:
        raise AssertionError


class ToyIntake(Service):
    """The nameko service; the file `identities` in the folder of rules says how it answers, or of which case not yet.

    The file `asked` says what it was asked.
    """

    name = "intake"
    work = UnitOfWork(lambda _: Nobody())

    @http("POST", "/identities", roles={Role.SERVICE})
    def identities(self, request: Request) -> Answer:
        """Answer as intake does."""
        folder = self.work.settings.rules
        assert folder is not None
        with (folder / "asked").open("ab") as file:
            file.write(request.body + b"\n")
        while (mood := _mood(folder)) and mood.encode() in request.body:
            eventlet.sleep(0.05)
        items = parse(request.body)["items"]
        if mood in {"no_consent", "erased", "case_unknown"}:
            return Answer(content={"items": [{"fields": None, "why_not": mood} for _ in items]})
        return Answer(content={"items": [{"fields": _told(item["fields"]), "why_not": None} for item in items]})


def _mood(folder: Path) -> str:
    # a test may remove it at any moment
    with suppress(FileNotFoundError):
        return (folder / "identities").read_text()
    return ""


def _told(names: list[str]) -> dict[str, object]:
    found: dict[str, object] = {}
    for name in names:
        part, _, field = name.partition(".")
        if field:
            found.setdefault(part, {})[field] = "王某"  # type: ignore[index]
        else:
            found[part] = "王某"
    return found
