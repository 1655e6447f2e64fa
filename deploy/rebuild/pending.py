"""The timers that must be set after what a journal says."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from pymongo.database import Database

from deploy.stores import chunks
from shared.kernel import Fact, Model, Timer
from shared.runtime.database import Document
from shared.runtime.inbox import KEPT_DAYS, mark
from shared.runtime.timer import message_id, row_of


class PendingTimers:
    """Follows the facts of one service and knows which timers are set, by the row of each."""

    def __init__(self, model: Model) -> None:
        self._model = model
        #: Whether the model sets timers at all.
        self.any = type(model).timers is not Model.timers
        self._rows: dict[str, Document] = {}
        #: Not before then it was acted on.
        self._earliest: dict[str, datetime] = {}
        #: The timer whose message has this id.
        self._by_message: dict[str, str] = {}

    def take(self, entry: Document, facts: Sequence[Fact]) -> None:
        """Take an entry of the journal: what it acted on is no longer set, what its facts say is."""
        if fired := self._by_message.get(entry["cause"]):
            self._forget(fired)
        for record, fact in zip(entry["events"], facts, strict=True):
            for timer in self._model.timers(fact):
                self._change(timer, record["id"], datetime.fromisoformat(entry["at"]))

    def rows(self, database: Database[Document]) -> list[Document]:
        """Return the rows of the timers that are set.

        One that was acted on without any effect left a mark in the inbox; one that failed is parked. Marks expire:
        one whose time is longer past than that was acted on.
        """
        consumer = f"{self._model.name}.timers"
        since = datetime.now(UTC) - timedelta(days=KEPT_DAYS)
        found = []
        for names in chunks(sorted(self._rows)):
            marks = {name: mark(consumer, self._message(name)) for name in names}
            query = {"_id": {"$in": list(marks.values())}}
            seen = {row["_id"] for place in ("inbox", "parked") for row in database[place].find(query, {"_id": 1})}
            found += [
                {"_id": name, **self._rows[name]}
                for name in names
                if marks[name] not in seen and self._earliest[name] >= since
            ]
        return found

    def _change(self, timer: Timer, set_by: str, set_at: datetime) -> None:
        self._forget(timer.id)
        if timer.due_at is not None:
            self._rows[timer.id] = row_of(timer, _stored(timer.due_at), set_by)
            self._earliest[timer.id] = max(timer.due_at, set_at)
            self._by_message[self._message(timer.id)] = timer.id

    def _forget(self, name: str) -> None:
        if name in self._rows:
            self._by_message.pop(self._message(name), None)
            del self._rows[name], self._earliest[name]

    def _message(self, name: str) -> str:
        row = self._rows[name]
        return message_id(name, row["due_at"], row["set_by"])


def _stored(time: datetime) -> datetime:
    """Return a time as the database keeps it: in milliseconds."""
    return time.replace(microsecond=time.microsecond // 1000 * 1000)
