"""One look into several collections: a round trip instead of one for each."""

from collections.abc import Mapping
from typing import NamedTuple

from pymongo.client_session import ClientSession
from pymongo.collection import Collection

from shared.runtime.database import Document

_PART = "part_of_look"


class Part(NamedTuple):
    """What to look up in one collection."""

    collection: str
    query: Document
    #: Fields that are wanted; all where there are none.
    fields: tuple[str, ...] = ()


def look(
    start: Collection[Document], first: list[Document], parts: Mapping[str, Part], session: ClientSession
) -> tuple[list[Document], dict[str, list[Document]]]:
    """Return what the pipeline `first` finds in `start`, and the documents of each part.

    The parts may lie in any collection of the database; one that does not exist has no documents.
    """
    pipeline = [*first, *(_union(name, part) for name, part in parts.items())]
    found: dict[str, list[Document]] = {name: [] for name in parts}
    rows: list[Document] = []
    for row in start.aggregate(pipeline, session=session):
        name = row.pop(_PART, None)
        (rows if name is None else found[name]).append(row)
    return rows, found


def _union(name: str, part: Part) -> Document:
    steps: list[Document] = [{"$match": part.query}]
    if part.fields:
        steps.append({"$project": dict.fromkeys(part.fields, 1)})
    steps.append({"$addFields": {_PART: {"$literal": name}}})
    return {"$unionWith": {"coll": part.collection, "pipeline": steps}}
