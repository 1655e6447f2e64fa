"""Writes the states that follow from a journal as documents, sealed and indexed as the service stores them."""

from collections.abc import Iterable

import msgspec
from pymongo.database import Database

from deploy.audit.fold import Fold
from deploy.audit.states import Comparison
from deploy.problem import Problem
from deploy.stores import Store, chunks
from shared.kernel import Model, Ref
from shared.privacy import SealBroken
from shared.runtime.database import Document
from shared.runtime.states import States


class Builder:
    """Fills collections, one for each kind.

    Args:
        store: whose journal was folded, and whose keys seal.
        model: says how states are stored.
        fold: the states.
        target: the database to write into.
        prefix: of the names of the collections there.
    """

    def __init__(self, store: Store, model: Model, fold: Fold, target: Database[Document], prefix: str = "") -> None:
        self._store = store
        self._model = model
        self._fold = fold
        self._target = target
        self._prefix = prefix
        self._states = States(store.database, model, store.keys)
        self._stored = Comparison(store, model, fold)
        #: How many states were written, by their kind.
        self.written: dict[str, int] = {}
        #: How many of them were taken over as they are stored: of who is erased, the journal does not tell enough.
        self.taken_over = 0

    def build(self) -> None:
        """Write everything.

        Raises:
            Problem: a key cannot be opened.
        """
        for kind in self._model.kinds:
            self._build(kind)

    def put(self, name: str, rows: Iterable[Document]) -> None:
        """Write other rows, as timers, into a collection of their own, which is there then even if there are none."""
        self._make(name)
        for some in chunks(rows):
            self._target[self._prefix + name].insert_many(some, ordered=False)

    def _build(self, kind: str) -> None:
        self._make(kind)
        if kind in self._model.searched:
            self._target[self._prefix + kind].create_index("keys")
        kept = self._take_over(kind) if self._fold.erased else set()
        count = len(kept)
        for refs in chunks(self._fold.shelf.refs(kind)):
            wanted = [ref for ref in refs if ref.id not in kept]
            self._load_keys(ref.id for ref in wanted)
            self._write(kind, [self._states.document(ref, self._fold.shelf.get(*ref)) for ref in wanted])
            count += len(wanted)
        self.written[kind] = count

    def _take_over(self, kind: str) -> set[str]:
        """Write what is stored about the erased and can still be read; return the ids."""
        kept: set[str] = set()
        for rows in chunks(self._store.database[kind].find().sort("_id", 1)):
            doubtful = [row for row in rows if self._stored.is_beyond_proof(kind, row)]
            self._load_keys(row["_id"] for row in doubtful)
            documents = []
            for row in doubtful:
                try:
                    state = self._states.state(kind, row)
                except (SealBroken, KeyError, msgspec.ValidationError):
                    continue  # what follows from the journal, if anything does, is better
                documents.append(self._states.document(Ref(kind, row["_id"]), state))
            self._write(kind, documents)
            kept |= {document["_id"] for document in documents}
        self.taken_over += len(kept)
        return kept

    def _load_keys(self, owners: Iterable[str]) -> None:
        if broken := self._store.load_keys(owners):
            raise Problem(f"the key of {broken[0]} cannot be opened", "see `niangjia verify`")

    def _write(self, kind: str, documents: list[Document]) -> None:
        if not documents:
            return
        # A state that is sealed for the first time needs a key, which must be there before what it seals.
        self._store.keys.save(None)
        self._store.keys.settle(kept=True)
        self._target[self._prefix + kind].insert_many(documents, ordered=False)

    def _make(self, name: str) -> None:
        self._target.drop_collection(self._prefix + name)
        self._target.create_collection(self._prefix + name)
