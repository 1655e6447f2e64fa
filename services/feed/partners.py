"""The partners' part of the broker: a virtual host of their own, and in it what each agency may read, and no more.

An agency has a topic exchange, a stream bound to it, and a user who may read the stream. All of it can be made again
from what feed stores: names follow from the agency's, and of its password the broker wants only a hash.
"""

import time
from collections import Counter
from collections.abc import Callable, Collection, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any
from urllib.parse import quote, unquote, urlsplit

from services.feed.access import (
    CHANNELS,
    CONNECTIONS,
    EVERYTHING,
    NOTHING,
    PUBLISHER,
    STREAMS,
    Access,
    Rights,
    exchange,
    stream,
)
from services.feed.management import Management
from services.feed.standing import Standing, standings
from shared.runtime.settings import Settings
from shared.runtime.unavailable import Unavailable

#: Of all agencies together.
_ALL_CONNECTIONS, _ALL_QUEUES = 2_000, 2_000
#: A stream drops its oldest part as a whole, and only when the next part is begun: the more parts, the more exactly its
#: age and size are kept.
_PARTS = 16
_MEGABYTE = 1_000_000
#: What a partner's federated broker does not fetch is not kept for ever.
_FEDERATED_BYTES = 64 * _MEGABYTE
_FEDERATED_MILLISECONDS = 7 * 24 * 3600 * 1000
#: One that does not read is closed by force, which takes a while.
_CLOSING_SECONDS, _CLOSING_PAUSE = 20, 0.1

_FEDERATIONS = "^federation: "


class Partners:
    """What the agencies have in the broker of one system.

    Every call says the same thing again when it is repeated, and raises `Unavailable` or `NotAdministrator` where the
    broker does not do it.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._prefix = f"{settings.namespace}-" if settings.namespace else ""
        self._broker = Management(settings.broker_api, settings.amqp_uri)
        self._publisher = unquote(urlsplit(settings.amqp_uri).username or "guest")

    @property
    def virtual_host(self) -> str:
        """The name of the partners' virtual host."""
        return f"{self._prefix}partners"

    @property
    def publisher_uri(self) -> str:
        """The address, with password, by which feed writes into the agencies' exchanges and reads their streams."""
        parts = urlsplit(self._settings.amqp_uri)
        return parts._replace(path=f"/{quote(self.virtual_host, safe='')}").geturl()

    def user(self, agency: str) -> str:
        """Return the name of an agency's user; its certificate has it as common name."""
        return f"{self._prefix}agency-{agency}"

    def uri(self, agency: str, password: str) -> str:
        """Return the address at which an agency reaches its stream, with its password."""
        parts = urlsplit(self._settings.partner_amqp or self._settings.amqp_uri)
        place = parts.netloc.rpartition("@")[2]
        login = f"{quote(self.user(agency), safe='')}:{quote(password, safe='')}"
        return f"{parts.scheme}://{login}@{place}/{quote(self.virtual_host, safe='')}"

    def prepare(self) -> None:
        """Make the virtual host, its limits, and the login by which feed publishes."""
        host, broker = self.virtual_host, self._broker
        broker.put("vhosts", host)
        self._permit(broker.user, Rights(configure=EVERYTHING, write=EVERYTHING, read=EVERYTHING))
        if self._publisher != broker.user:
            self._permit(self._publisher, PUBLISHER)
        broker.put("vhost-limits", host, "max-connections", value=_ALL_CONNECTIONS)
        broker.put("vhost-limits", host, "max-queues", value=_ALL_QUEUES)
        self._apply("streams", STREAMS, self._retention())
        self._apply(
            "federations",
            _FEDERATIONS,
            {
                "max-length-bytes": _FEDERATED_BYTES,
                "message-ttl": _FEDERATED_MILLISECONDS,
                "expires": _FEDERATED_MILLISECONDS,
            },
        )

    def add(self, access: Access) -> bool:
        """Make an agency's exchange, stream and user; tell whether the stream is new, and so empty."""
        self.prepare()
        is_new = self._declare(access.agency)
        self.settle(access)
        return is_new

    def allow(self, access: Access) -> None:
        """Let an agency in, with this password from now on."""
        user = self.user(access.agency)
        self._broker.put(
            "users",
            user,
            password_hash=access.password_hash,
            hashing_algorithm="rabbit_password_hashing_sha256",
            tags="",
        )
        self._limit(access.agency, CONNECTIONS)
        self._broker.put("user-limits", user, "max-channels", value=CHANNELS)
        self._broker.put(
            "topic-permissions",
            self.virtual_host,
            user,
            exchange=exchange(access.agency),
            write=NOTHING,
            read=access.rights.topics,
        )
        self._permit(user, access.rights)

    def forbid(self, agency: str) -> None:
        """Shut an agency out, and return when its connections are closed.

        Raises:
            Unavailable: they are not, after a while.
        """
        self._broker.delete("users", self.user(agency))
        self._cut_off(agency, "this agency is shut out")

    def remove(self, agency: str) -> None:
        """Leave nothing of an agency in the broker."""
        self.forbid(agency)
        self._broker.delete("queues", self.virtual_host, stream(agency))
        self._broker.delete("exchanges", self.virtual_host, exchange(agency))

    def rewrite(self, agency: str) -> None:
        """Empty an agency's stream, for good; who reads it is cut off and has to begin again."""
        self._broker.delete("queues", self.virtual_host, stream(agency))
        self._declare(agency)

    @property
    def is_prepared(self) -> bool:
        """Whether the virtual host is there."""
        return self._broker.get("vhosts", self.virtual_host) is not None

    def standings(self) -> dict[str, Standing]:
        """Return what the broker has of every agency of this system."""
        return standings(self._broker, self.virtual_host, self.user(""))

    def interrupt_writer(self) -> None:
        """Close the connection by which feed publishes; it comes again, and looks how far each stream is."""
        present = set(self._connections(self._publisher))
        self._close(
            self._publisher,
            lambda: present.intersection(self._connections(self._publisher)),
            "streams are begun anew",
        )

    def asked_for(self) -> dict[str, int]:
        """Return how many messages the consumers of each agency have asked for at once."""
        asked: Counter[str] = Counter()
        for consumer in self._broker.get("consumers", self.virtual_host) or ():
            # the details of one that is just going are an empty list
            user = (consumer["channel_details"] or {}).get("user", "")
            if user.startswith(self.user("")):
                asked[user.removeprefix(self.user(""))] += consumer["prefetch_count"]
        return dict(asked)

    def connections(self, agency: str) -> list[str]:
        """Return the names of the connections that an agency has."""
        return self._connections(self.user(agency))

    def hold_off(self, agency: str, why: str) -> None:
        """Close an agency's connections and take no new one until it is let on again; it is told why.

        Raises:
            Unavailable: they are not closed, after a while.
        """
        self._limit(agency, 0)
        self._cut_off(agency, why)

    def let_on(self, agency: str) -> None:
        """Take connections of an agency again that was held off, unless it is shut out altogether."""
        if self._broker.get("users", self.user(agency)) is not None:
            self._limit(agency, CONNECTIONS)

    def settle(self, access: Access) -> None:
        """Let an agency in, or shut it out, whichever is due."""
        if access.allowed:
            self.allow(access)
        else:
            self.forbid(access.agency)

    def _cut_off(self, agency: str, why: str) -> None:
        user = self.user(agency)
        self._close(user, lambda: self.connections(agency), why, ("username", user))

    def _close(self, user: str, left: Callable[[], Collection[str]], why: str, *together: tuple[str, ...]) -> None:
        """Close connections until none is left.

        By their names, beside each other, because one that does not read takes three seconds. But the API knows a
        connection by its name only when its figures come in, up to five seconds after it was opened.

        Args:
            user: whose they are.
            left: tells the names of those that are still there.
            why: is told to who loses one.
            together: what else the API takes to close them, at once and one after the other.

        Raises:
            Unavailable: they are not closed, after a while.
        """

        def close(path: tuple[str, ...]) -> None:
            # the API gives up waiting for one that does not read; it is closed all the same
            with suppress(Unavailable):
                self._broker.delete("connections", *path, why=why)

        until = time.monotonic() + _CLOSING_SECONDS
        while names := left():
            if time.monotonic() > until:
                raise Unavailable(f"the broker has not closed the connections of {user}; try again")
            paths = [*together, *((name,) for name in names)]
            with ThreadPoolExecutor(len(paths)) as pool:
                list(pool.map(close, paths))
            time.sleep(_CLOSING_PAUSE)

    def _connections(self, user: str) -> list[str]:
        found = self._broker.get("connections", "username", user) or ()
        return [connection["name"] for connection in found if connection["vhost"] == self.virtual_host]

    def _limit(self, agency: str, connections: int) -> None:
        self._broker.put("user-limits", self.user(agency), "max-connections", value=connections)

    def _declare(self, agency: str) -> bool:
        host, source, target = self.virtual_host, exchange(agency), stream(agency)
        self._broker.put("exchanges", host, source, type="topic", durable=True)
        is_new = self._broker.put("queues", host, target, durable=True, arguments={"x-queue-type": "stream"})
        self._broker.post("bindings", host, "e", source, "q", target, routing_key="#")
        return is_new

    def _permit(self, user: str, rights: Rights) -> None:
        self._broker.put(
            "permissions",
            self.virtual_host,
            user,
            configure=rights.configure,
            write=rights.write,
            read=rights.read,
        )

    def _apply(self, policy: str, pattern: str, definition: Mapping[str, Any]) -> None:
        # a policy, because what is said when a queue is declared cannot be changed later
        content = {"pattern": pattern, "apply-to": "queues", "definition": definition, "priority": 0}
        self._broker.put("policies", self.virtual_host, policy, **content)

    def _retention(self) -> dict[str, Any]:
        size = self._settings.stream_megabytes * _MEGABYTE
        return {
            "max-age": f"{self._settings.stream_days}D",
            "max-length-bytes": size,
            "stream-max-segment-size-bytes": max(size // _PARTS, _MEGABYTE // 2),
        }
