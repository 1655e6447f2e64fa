"""The keys of the cases, each wrapped by the master key; destroying one erases what it sealed."""

from collections.abc import Iterable

from pymongo.client_session import ClientSession
from pymongo.database import Database

from shared.privacy import Key
from shared.runtime.database import Document

#: How many opened keys are kept in memory (2.5 kB each).
CACHED = 5_000


class KeyRing:
    """Finds, makes and destroys keys. New keys are stored by `save` in the transaction that first uses them."""

    def __init__(self, database: Database[Document], service: str, master: Key) -> None:
        self._wrapped = database["keys"]
        self._service = service
        self._master = master
        self._keys: dict[str, Key | None] = {}
        self._new: dict[str, Key] = {}
        #: A commit uses the keys: what it made, or found, must stay at hand until `settle`.
        self._held = False

    def hold(self) -> None:
        """Drop no key from memory until `settle`: a commit begins."""
        self._held = True

    def load(self, owners: Iterable[str], session: ClientSession | None = None) -> None:
        """Fetch the keys of `owners` at once, those that are not at hand."""
        missing = [owner for owner in owners if owner not in self._keys]
        if not missing:
            return
        self._evict()
        for row in self._wrapped.find({"_id": {"$in": missing}}, session=session):
            wrapped = row.get("wrapped")
            self._keys[row["_id"]] = self._master.unwrap(wrapped, self._context(row["_id"])) if wrapped else None

    def seal(self, owner: str, clear: bytes) -> bytes:
        """Return `clear` sealed with the key of `owner`, which is made when `load` found none.

        Raises:
            PermissionError: the key was destroyed, so nothing more may be kept about its owner.
        """
        if owner not in self._keys:
            self._keys[owner] = self._new[owner] = Key.new()
        key = self._keys[owner]
        if key is None:
            raise PermissionError(f"the key of {owner} was destroyed")
        return key.seal(clear, self._context(owner))

    def open(self, owner: str, sealed: bytes) -> bytes | None:
        """Return the clear bytes, or None where the key was destroyed.

        Raises:
            SealBroken: the bytes were changed.
            KeyError: there never was a key of this owner.
        """
        if owner not in self._keys:
            self.load([owner])
        key = self._keys[owner]
        return key.open(sealed, self._context(owner)) if key else None

    def save(self, session: ClientSession) -> None:
        """Store the keys made since the last `save`, in the caller's transaction."""
        if self._new:
            rows = [{"_id": o, "wrapped": self._master.wrap(k, self._context(o))} for o, k in self._new.items()]
            self._wrapped.insert_many(rows, ordered=False, session=session)

    def settle(self, *, kept: bool) -> None:
        """After the transaction: keep the new keys, or forget them when it was not committed."""
        if not kept:
            for owner in self._new:
                del self._keys[owner]
        self._new.clear()
        self._held = False
        self._evict()

    def destroy(self, owner: str) -> None:
        """Destroy the key of `owner`: all that it sealed is unreadable from now on, also in the journal."""
        self._wrapped.update_one({"_id": owner}, {"$unset": {"wrapped": ""}}, upsert=True)
        self._keys[owner] = None

    def _evict(self) -> None:
        if len(self._keys) > CACHED and not self._held:
            self._keys.clear()

    def _context(self, owner: str) -> str:
        return f"{self._service}/{owner}"
