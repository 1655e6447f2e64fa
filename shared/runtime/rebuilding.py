"""A mark in a service's database: its states are being put in place anew, so nobody may decide on them now."""

from typing import Any

from pymongo.client_session import ClientSession
from pymongo.database import Database

from shared.runtime.database import Document
from shared.runtime.unavailable import Unavailable

_ID = "rebuilding"


class Rebuilding:
    """The mark. It stays when whoever put it is killed, until a rebuild is carried through."""

    def __init__(self, database: Database[Document]) -> None:
        self._rows = database["rebuilding"]

    def begin(self, **about: Any) -> None:
        """Put the mark."""
        self._rows.replace_one({"_id": _ID}, about, upsert=True)

    def end(self) -> None:
        """Take the mark away."""
        self._rows.drop()

    def is_under_way(self, session: ClientSession | None = None) -> bool:
        """Tell whether the mark is there."""
        return self._rows.find_one({"_id": _ID}, session=session) is not None

    def check(self, session: ClientSession | None = None) -> None:
        """Let pass who may decide on the states.

        Raises:
            Unavailable: nobody may now.
        """
        if self.is_under_way(session):
            raise Unavailable(
                "its states are being rebuilt; if nothing does so, run `niangjia rebuild --replace` again"
            )
