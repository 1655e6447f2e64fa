"""The keys of the cases, each wrapped by the master key; destroying one erases what it sealed."""

from collections.abc import Iterable

from pymongo import InsertOne, UpdateOne
from pymongo.client_session import ClientSession
from pymongo.database import Database

from shared.privacy import Key
from shared.runtime.database import Document

#: How many opened keys are kept in memory (2.5 kB each).
CACHED = 5_000


class KeyRing:
    """Finds, makes and destroys keys.

    `save` stores new keys in the transaction that first uses them, and destroys those that `doom` named.
    """

    def __init__(self, database: Database[Document], service: str, master: Key) -> None:
        self._wrapped = database["keys"]
        self._service = service
        self._master = master
        self._keys: dict[str, Key | None] = {}
        self._new: dict[str, Key] = {}
        #: Whose key the commit in hand destroys.
        self._doomed: set[str] = set()
        #: A commit uses the keys: what it made, or found, must stay at hand until `settle`.
        self._held = False

    def hold(self) -> None:
        """Drop no key from memory until `settle`: a commit begins."""
        self._held = True

    def load(self, owners: Iterable[str], session: ClientSession | None = None, *, anew: bool = False) -> None:
        """Fetch the keys of `owners` at once, those that are not at hand; with `anew` all, as they are stored now."""
        missing = [owner for owner in owners if anew or owner not in self._keys]
        if not missing:
            return
        self._evict()
        for row in self._wrapped.find({"_id": {"$in": missing}}, session=session):
            owner, wrapped = row["_id"], row.get("wrapped")
            if wrapped and self.is_destroyed(owner):
                continue  # it was asked for before a commit that has destroyed it
            self._keys[owner] = self._master.unwrap(wrapped, self._context(owner)) if wrapped else None

    def seal(self, owner: str, clear: bytes) -> bytes:
        """Return `clear` sealed with the key of `owner`, which is made when `load` found none.

        Raises:
            PermissionError: the key was destroyed, so nothing more may be kept about its owner.
        """
        if owner not in self._keys:
            self._keys[owner] = self._new[owner] = Key.new()
        key = self._keys[owner]
        if key is None or owner in self._doomed:
            raise PermissionError(f"the key of {owner} was destroyed")
        return key.seal(clear, self._context(owner))

    def is_destroyed(self, owner: str) -> bool:
        """Tell whether a key that is at hand was destroyed, or is by the commit in hand."""
        return owner in self._doomed or (owner in self._keys and self._keys[owner] is None)

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

    def doom(self, owners: Iterable[str]) -> None:
        """Let `save` destroy the keys of `owners`: all that they sealed is unreadable then, also in the journal."""
        self._doomed.update(owners)

    def save(self, session: ClientSession | None) -> None:
        """Store the keys made since the last `save`, and destroy what is doomed, in the caller's transaction."""
        changes: list[InsertOne[Document] | UpdateOne] = [
            InsertOne({"_id": owner, "wrapped": self._master.wrap(key, self._context(owner))})
            for owner, key in self._new.items()
            if owner not in self._doomed
        ]
        changes += [UpdateOne({"_id": o}, {"$unset": {"wrapped": ""}}, upsert=True) for o in sorted(self._doomed)]
        if changes:
            self._wrapped.bulk_write(changes, ordered=False, session=session)

    def settle(self, *, kept: bool) -> None:
        """After the transaction: keep the new keys and forget the doomed, or the other way round if it failed."""
        if kept:
            self._keys |= dict.fromkeys(self._doomed)
        else:
            for owner in self._new:
                del self._keys[owner]
        self._new.clear()
        self._doomed.clear()
        self._held = False
        self._evict()

    def forget(self) -> None:
        """Drop from memory what is stored: another process may have destroyed a key of it since."""
        self._keys = dict(self._new)

    def _evict(self) -> None:
        if len(self._keys) > CACHED and not self._held:
            self._keys.clear()

    def _context(self, owner: str) -> str:
        return f"{self._service}/{owner}"
