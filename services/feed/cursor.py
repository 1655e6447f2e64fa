"""How far each agency was served on each way: kept beside the states, because it says nothing of what happened."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from msgspec import Struct, field
from pymongo import UpdateOne
from pymongo.database import Database

from shared.rules import iso

_LONG_AGO: Final = datetime.fromtimestamp(0, UTC)

Document = dict[str, Any]


class Cursor(Struct, frozen=True, kw_only=True):
    """The last number that an agency has got on one way."""

    #: 0 before the first.
    number: int = 0
    #: Of the agency's epochs the one whose numbers these are.
    epoch: int = 0
    #: When it came so far, by the database's clock.
    at: datetime = _LONG_AGO
    #: What else is to be known of it, in plain values.
    note: Mapping[str, Any] = field(default_factory=dict)


class Cursors:
    """The cursors of all ways; one moves forwards only, unless its epoch rises."""

    def __init__(self, database: Database[Document]) -> None:
        self._rows = database["cursors"]

    def get(self, way: str, agency: str) -> Cursor:
        """Return how far an agency is; at the very beginning where nothing is known."""
        row = self._rows.find_one({"_id": _id(way, agency)})
        return _cursor(row) if row else Cursor()

    def all(self, way: str) -> Mapping[str, Cursor]:
        """Return how far every agency is that has a cursor."""
        rows = self._rows.find({"_id": {"$gte": f"{way} ", "$lt": f"{way}!"}})
        return {row["_id"].partition(" ")[2]: _cursor(row) for row in rows}

    def advance(self, way: str, agency: str, number: int, *, epoch: int = 0) -> None:
        """Remember that an agency has got all up to a number; never go back within an epoch, nor to an earlier one."""
        self.advance_all(way, {agency: Cursor(number=number, epoch=epoch)})

    def advance_all(self, way: str, cursors: Mapping[str, Cursor]) -> None:
        """Do so for many agencies in one round trip."""
        changes = [
            UpdateOne({"_id": _id(way, agency)}, [_forwards(cursor)], upsert=True) for agency, cursor in cursors.items()
        ]
        if changes:
            self._rows.bulk_write(changes, ordered=False)

    def note(self, way: str, agency: str, **what: Any) -> None:
        """Write down beside a cursor what became of the last try; takes the place of what was noted before."""
        new = {"number": 0, "epoch": 0, "at": _LONG_AGO}
        self._rows.update_one({"_id": _id(way, agency)}, {"$set": {"note": what}, "$setOnInsert": new}, upsert=True)

    def shown(self, way: str, agency: str) -> dict[str, Any]:
        """Return how far an agency is, as operators see it."""
        cursor = self.get(way, agency)
        return {"number": cursor.number, "at": iso(cursor.at) if cursor.number else None, **cursor.note}

    def forget(self, way: str, agency: str) -> None:
        """Begin anew when the agency comes back."""
        self._rows.delete_one({"_id": _id(way, agency)})


def _id(way: str, agency: str) -> str:
    return f"{way} {agency}"


def _cursor(row: Document) -> Cursor:
    return Cursor(number=row["number"], epoch=row["epoch"], at=row["at"], note=row.get("note", {}))


def _forwards(cursor: Cursor) -> Document:
    """Return the step of an update that takes a cursor over where it is further than what is stored."""
    same_epoch = {"$eq": ["$epoch", cursor.epoch]}
    further: Document = {
        "$or": [
            {"$lt": [{"$ifNull": ["$epoch", -1]}, cursor.epoch]},
            {"$and": [same_epoch, {"$lt": ["$number", cursor.number]}]},
        ]
    }
    new = {"number": cursor.number, "epoch": cursor.epoch, "at": "$$NOW"}
    return {"$replaceWith": {"$cond": [further, {"$mergeObjects": ["$$ROOT", new]}, "$$ROOT"]}}
