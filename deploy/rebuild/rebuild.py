"""One rebuild of one service: fold its journal, compare, and write where it is wanted."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from pymongo.database import Database

from deploy.audit.finding import Audit
from deploy.audit.fold import Fold
from deploy.audit.states import Comparison, Difference
from deploy.problem import Problem
from deploy.rebuild.builder import Builder
from deploy.rebuild.pending import PendingTimers
from deploy.rebuild.swap import WAITING, Swap
from deploy.stores import Store
from shared.kernel import Model, Ref
from shared.runtime.database import Document
from shared.runtime.journal import JournalBroken, check_chain

#: Differences that are listed; of more only the number.
LISTED = 200
TIMERS = "timers"
_NAME = re.compile(r"[A-Za-z0-9_-]{1,60}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Rebuilt:
    """What came of a rebuild."""

    service: str
    #: The number of the last event from which it was rebuilt.
    sequence: int
    #: How many states follow from the journal, by their kind.
    states: Mapping[str, int]
    #: Persons and cases whose key was destroyed.
    erased: int
    #: States of theirs that were taken over as they are stored.
    taken_over: int = 0
    differences: tuple[Difference, ...] = ()
    #: How many there are, those that are not listed included.
    count: int = 0
    #: What could not be folded.
    faults: tuple[str, ...] = ()
    #: Where it was written.
    database: str = ""
    replaced: bool = False

    @property
    def equal(self) -> bool:
        """Whether the stored states were those that follow from the journal."""
        return not self.count and not self.faults

    def as_json(self) -> dict[str, Any]:
        """Return it as JSON types."""
        return {
            "equal": self.equal,
            "sequence": self.sequence,
            "states": dict(self.states),
            "erased": self.erased,
            "taken_over": self.taken_over,
            "difference_count": self.count,
            "differences": [
                {"kind": one.ref.kind, "id": one.ref.id, "what": one.what, "fields": list(one.fields)}
                for one in self.differences
            ],
            "faults": list(self.faults),
            "database": self.database,
            "replaced": self.replaced,
        }


class Rebuild:
    """Rebuilds the states of one service.

    Args:
        store: where its journal is.
        model: says what follows from it; that of the release that is to run.
    """

    def __init__(self, store: Store, model: Model) -> None:
        self._store = store
        self._model = model
        self._audit = Audit(service=store.service)
        self._timers = PendingTimers(model)
        self._fold = Fold(store, model, self._audit, self._timers.take)

    def compare(self) -> Rebuilt:
        """Compare what follows from the journal with what is stored; nothing is written."""
        return self._done(lambda: None)

    def into(self, name: str) -> Rebuilt:
        """Compare, and write the states into an empty database.

        Raises:
            Problem: there is something in it, or the name cannot be one.
        """
        target = self._empty(name)

        def build() -> Builder:
            builder = Builder(self._store, self._model, self._fold, target)
            builder.build()
            if self._timers.any:
                builder.put(TIMERS, self._timers.rows(self._store.database))
            return builder

        return self._done(build, database=name)

    def replace(self, check_stopped: Callable[[], None]) -> Rebuilt:
        """Compare, and put the states in the place of those that are stored.

        Args:
            check_stopped: raises while the service runs.

        Raises:
            Problem: it runs, or its journal is not whole.
        """
        check_stopped()
        self._check_journal()
        swap = Swap(self._store)

        def build() -> Builder:
            self._check_foldable()
            swap.clear()
            builder = Builder(self._store, self._model, self._fold, self._store.database, WAITING)
            builder.build()
            names = [*self._model.kinds]
            if self._timers.any:
                builder.put(TIMERS, self._timers.rows(self._store.database))
                names.append(TIMERS)
            self._check_readable()
            check_stopped()
            swap.check_still(self._fold.sequence)
            swap.carry_out(names, self._fold.sequence)
            return builder

        return self._done(build, database=self._store.database.name, replaced=True)

    def _done(self, build: Callable[[], Builder | None], database: str = "", *, replaced: bool = False) -> Rebuilt:
        try:
            self._fold.go_on()
            differences = [*Comparison(self._store, self._model, self._fold).settled(), *self._different_timers()]
            builder = build()
            shelf = self._fold.shelf
            return Rebuilt(
                service=self._store.service,
                sequence=self._fold.sequence,
                states=builder.written if builder else {kind: shelf.count(kind) for kind in self._model.kinds},
                erased=len(self._fold.erased),
                taken_over=builder.taken_over if builder else 0,
                differences=tuple(differences[:LISTED]),
                count=len(differences),
                faults=tuple(self._audit.faults),
                database=database,
                replaced=replaced,
            )
        finally:
            self._fold.shelf.close()

    def _different_timers(self) -> list[Difference]:
        if not self._timers.any or not self._unlike_timers():
            return []
        self._fold.go_on()  # its service may work: look at these again
        return self._unlike_timers()

    def _unlike_timers(self) -> list[Difference]:
        wanted = {row["_id"]: row for row in self._timers.rows(self._store.database)}
        stored = {row["_id"]: row for row in self._store.database[TIMERS].find()}
        return [
            Difference(ref=Ref("timer", name), **_what(stored.get(name), wanted.get(name)))
            for name in sorted({*wanted, *stored})
            if stored.get(name) != wanted.get(name)
        ]

    def _check_journal(self) -> None:
        try:
            check_chain(self._store.journal.after(0))
        except JournalBroken as error:
            raise Problem(
                f"the journal of {self._store.service} is not whole ({error})", "see `niangjia verify`"
            ) from None

    def _check_foldable(self) -> None:
        if self._audit.count:
            wrong = f"{self._audit.count} entries cannot be folded, as {self._audit.faults[0]}"
            raise Problem(wrong, "nothing was replaced; see `niangjia verify`")

    def _check_readable(self) -> None:
        """Read what was written, before it counts."""
        written = Comparison(self._store, self._model, self._fold, self._store.database, WAITING)
        if different := written.differences():
            raise Problem(f"what was rebuilt is not what was meant ({different[0].sentence})", "nothing was replaced")

    def _empty(self, name: str) -> Database[Document]:
        if not _NAME.fullmatch(name):
            raise Problem(f"{name} cannot be the name of a database", "use letters, digits, _ and -", exit_code=2)
        database = self._store.database.client.get_database(name, codec_options=self._store.database.codec_options)
        if database.list_collection_names():
            raise Problem(f"database {name} is not empty", "name another, or drop it first", exit_code=2)
        return database


def _what(stored: Document | None, wanted: Document | None) -> dict[str, Any]:
    if stored is None:
        return {"what": "follows from the events, but is not stored"}
    if wanted is None:
        return {"what": "is stored, but follows from no event"}
    return {
        "what": "is not what follows from the events",
        "fields": tuple(name for name in sorted({*stored, *wanted}) if stored.get(name) != wanted.get(name)),
    }
