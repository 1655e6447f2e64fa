"""The events that notification publishes: the fate of each message to a client."""

from shared.events.case import CASE_ID
from shared.events.declaration import Publisher
from shared.events.fields import Code, Data, Id, OpenCode
from shared.events.vocabulary import SAFE_CHANNELS

publisher = Publisher("notification")

_NOTICE_ID = "019cabd8-3f40-7f0a-93e5-6c1b8d4a2e70"
_NO_LISTENER = "The fate of a notice is for the caseworker; no service of the house changes anything by it."


@publisher.event(
    "notice.queued",
    version=1,
    reason=_NO_LISTENER,
    example={"notice_id": _NOTICE_ID, "case_id": CASE_ID, "channel": "wechat", "wording": "first_word"},
)
class NoticeQueued(Data):
    """A notice to the client waits for its sender."""

    notice_id = Id()
    case_id = Id()
    channel = Code(SAFE_CHANNELS)
    wording = OpenCode(about="Which of the neutral wordings; the words themselves never travel.")


@publisher.event(
    "notice.held",
    version=1,
    reason=_NO_LISTENER,
    example={"notice_id": _NOTICE_ID, "case_id": CASE_ID, "reason": "outside_hours"},
)
class NoticeHeld(Data):
    """There is no safe way now to tell the client; a person decides."""

    notice_id = Id()
    case_id = Id()
    reason = OpenCode()


@publisher.event(
    "notice.sent",
    version=1,
    reason=_NO_LISTENER,
    example={"notice_id": _NOTICE_ID, "case_id": CASE_ID, "channel": "wechat"},
)
class NoticeSent(Data):
    """A channel took the notice."""

    notice_id = Id()
    case_id = Id()
    channel = Code(SAFE_CHANNELS)


@publisher.event(
    "notice.failed",
    version=1,
    reason=_NO_LISTENER,
    example={"notice_id": _NOTICE_ID, "case_id": CASE_ID, "channel": "wechat", "reason": "channel_refused"},
)
class NoticeFailed(Data):
    """A channel did not take the notice, for good."""

    notice_id = Id()
    case_id = Id()
    channel = Code(SAFE_CHANNELS)
    reason = OpenCode()
