"""Notification's pure core: each report is answered by a neutral word to the client, or held for a person."""

from collections.abc import Mapping
from typing import Any, ClassVar, Final, cast

from msgspec.structs import replace

from services.notification.notice import Notice, Status, way
from shared.kernel import Conflict, Decision, Fact, Message, Model, NotFound, Ref, Shelf, Wanted

_REPORTED: Final = {"mark_sent": "notice.sent", "mark_failed": "notice.failed"}
_STATUS: Final = {"notice.sent": Status.SENT, "notice.failed": Status.FAILED}


class NotificationModel(Model):
    """Event `report.received` of intake, to which the shell adds the disclosed `contact` (or null).

    Commands of the sender: `mark_sent` {"notice_id"} and `mark_failed` {"notice_id", "reason"}.
    """

    name: ClassVar[str] = "notification"
    kinds: ClassVar[Mapping[str, type]] = {"notice": Notice}

    def wants(self, message: Message) -> Wanted:
        if message.type == "report.received":
            return Wanted(refs=frozenset({Ref("notice", message.identifier("notice"))}))
        if message.type in _REPORTED:
            return Wanted(refs=frozenset({Ref("notice", message.data["notice_id"])}))
        return Wanted()

    def decide(self, shelf: Shelf, message: Message) -> Decision:
        """Yield the fate of a notice.

        Raises:
            NotFound: a sender names a notice that is not there.
            Conflict: a sender reports on a notice that is not waiting for it.
        """
        if message.type == "report.received":
            if shelf.get("notice", message.identifier("notice")) is None:
                yield _notice(message)
        elif message.type in _REPORTED:
            notice: Notice | None = shelf.get("notice", message.data["notice_id"])
            if notice is None:
                raise NotFound("notice-unknown", "There is no notice with this id.", field="notice_id")
            fact_type = _REPORTED[message.type]
            if notice.status is not _STATUS[fact_type]:
                yield _fate(message, notice, fact_type)
        return None

    def evolve(self, shelf: Shelf, fact: Fact) -> None:
        data = fact.data
        ref = Ref("notice", fact.subject)
        if fact.type in _STATUS:
            notice = cast(Notice, shelf.get(*ref))
            shelf.put(ref, replace(notice, status=_STATUS[fact.type], reason=data.get("reason")))
            return
        queued = fact.type == "notice.queued"
        shelf.put(
            ref,
            Notice(
                id=fact.subject,
                case_id=fact.case,
                status=Status.QUEUED if queued else Status.HELD,
                channel=data["channel"] if queued else None,
                wording=data["wording"] if queued else "",
                reason=None if queued else data["reason"],
            ),
        )


def _notice(message: Message) -> Fact:
    case_id = message.data["case"]["id"]
    notice_id = message.identifier("notice")
    found = way(message.data["contact"], message.time)
    data: dict[str, Any] = {"notice_id": notice_id, "case_id": case_id}
    if found.channel is None:
        data["reason"] = found.held_because
    else:
        data["channel"] = found.channel
        data["wording"] = "first_word" if message.data["opens_case"] else "further_word"
    fate = "notice.queued" if found.channel else "notice.held"
    return Fact(type=fate, subject=notice_id, case=case_id, time=message.time, data=data)


def _fate(message: Message, notice: Notice, type: str) -> Fact:
    if notice.status is not Status.QUEUED:
        raise Conflict("notice-not-queued", f"This notice is {notice.status}; nobody can send it.", field="notice_id")
    data: dict[str, Any] = {"notice_id": notice.id, "case_id": notice.case_id, "channel": notice.channel}
    if type == "notice.failed":
        data["reason"] = message.data["reason"]
    return Fact(type=type, subject=notice.id, case=notice.case_id, time=message.time, data=data)
