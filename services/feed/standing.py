"""How an agency stands in the broker: what there is of it, and what there should be."""

import re
from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from msgspec import Struct

from services.feed.access import CHANNELS, CONNECTIONS, EXCHANGES, NOTHING, STREAMS, Access, Rights, exchange, stream
from services.feed.management import Management


class Standing(Struct, frozen=True, kw_only=True):
    """What the broker has of one agency, or should have."""

    #: Whether there is a stream that gets all that is published on its exchange.
    streams: bool = False
    #: Of its user; None where there is none.
    password_hash: str | None = None
    #: Whether its user is more than a user.
    tagged: bool = False
    rights: Rights | None = None
    connections: int | None = None
    channels: int | None = None

    @classmethod
    def due(cls, access: Access) -> "Standing":
        """Return what there should be."""
        if not access.allowed:
            return cls(streams=True)
        return cls(
            streams=True,
            password_hash=access.password_hash,
            rights=access.rights,
            connections=CONNECTIONS,
            channels=CHANNELS,
        )


def standings(broker: Management, host: str, prefix: str) -> dict[str, Standing]:
    """Return what the broker has of every agency.

    Args:
        broker: to ask.
        host: the partners' virtual host.
        prefix: with which the names of the agencies' users begin.
    """
    permissions = broker.get("permissions")
    elsewhere = {one["user"] for one in permissions if one["vhost"] != host}
    # those of another system on this broker may begin alike
    users = {
        user["name"].removeprefix(prefix): user
        for user in broker.get("users")
        if user["name"].startswith(prefix) and user["name"] not in elsewhere
    }
    rights = {one["user"]: one for one in permissions if one["vhost"] == host}
    topics = {(one["user"], one["exchange"]): one for one in broker.get("vhosts", host, "topic-permissions") or ()}
    fed = _fed(broker.get("bindings", host) or ())
    streams = {one["name"].removeprefix("feed.") for one in _named(broker.get("queues", host), STREAMS)}
    exchanges = {one["name"].split(".")[1] for one in _named(broker.get("exchanges", host), EXCHANGES)}
    found = {}
    for agency in users.keys() | streams | exchanges:
        user = users.get(agency)
        name = f"{prefix}{agency}"
        limits = user["limits"] if user else {}
        found[agency] = Standing(
            streams=agency in streams & exchanges and stream(agency) in fed[exchange(agency)],
            password_hash=user["password_hash"] if user else None,
            tagged=bool(user and user["tags"]),
            rights=_rights(rights[name], topics.get((name, exchange(agency)))) if user and name in rights else None,
            connections=limits.get("max-connections"),
            channels=limits.get("max-channels"),
        )
    return found


def _fed(bindings: Iterable[dict[str, Any]]) -> dict[str, set[str]]:
    """Return, by the name of an exchange, which streams get all of it."""
    fed: defaultdict[str, set[str]] = defaultdict(set)
    for binding in bindings:
        if binding["routing_key"] == "#":
            fed[binding["source"]].add(binding["destination"])
    return fed


def _named(items: Iterable[dict[str, Any]] | None, pattern: str) -> list[dict[str, Any]]:
    return [item for item in items or () if re.match(pattern, item["name"])]


def _rights(permission: dict[str, str], topic: dict[str, str] | None) -> Rights:
    # without a word about topics, every one may be read
    read = topic["read"] if topic and topic["write"] == NOTHING else ""
    return Rights(configure=permission["configure"], write=permission["write"], read=permission["read"], topics=read)
