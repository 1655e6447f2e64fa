"""A service that takes notes over HTTP and publishes each as a report of intake."""

from collections.abc import Mapping
from copy import deepcopy
from typing import Any, ClassVar

from shared.events import event_type
from shared.kernel import Decision, Fact, Message, Model, Ref, Refused, Shelf, Wanted
from shared.runtime.auth import Role
from shared.runtime.http import Answer, Request, http
from shared.runtime.jsontext import parse
from shared.runtime.service import Service
from shared.runtime.work import UnitOfWork
from tests.integration.runtime.toy import Diary, note


class Source(Model):
    """Command `note` {"case", "n", "do"}: the same number again is answered the same."""

    name: ClassVar[str] = "intake"
    kinds: ClassVar[Mapping[str, type]] = {"diary": Diary}

    def wants(self, message: Message) -> Wanted:
        return Wanted(refs=frozenset({Ref("diary", message.data["case"]["id"])}))

    def decide(self, shelf: Shelf, message: Message) -> Decision:
        case, number = message.data["case"]["id"], message.data["n"]
        if message.data["do"] == "refuse":
            raise Refused("unwelcome", "No.")
        if message.data["do"] == "fail":
            raise KeyError(case)
        diary = shelf.get("diary", case)
        if diary is None or number not in diary.taken:
            data: dict[str, Any] = deepcopy(dict(event_type("report.received").example))
            data["case"]["id"] = case
            yield Fact(
                type="report.received", subject=case, case=case, time=message.time, data=data, private={"n": number}
            )
        return {"n": number}

    def evolve(self, shelf: Shelf, fact: Fact) -> None:
        diary = shelf.get("diary", fact.case) or Diary(id=fact.case)
        number = fact.private["n"]
        shelf.put(
            Ref("diary", fact.case), Diary(id=fact.case, taken=(*diary.taken, number), private=(*diary.private, number))
        )


class ToySource(Service):
    """The nameko service."""

    name = "intake"
    work = UnitOfWork(lambda _: Source())

    @http("POST", "/notes", roles={Role.OPERATOR})
    def take_note(self, request: Request) -> Answer:
        """Take {"case", "n", "do"}."""
        sent = parse(request.body)
        return Answer(content=self.work.do(note(sent["case"], sent["n"], sent.get("do", ""))))
