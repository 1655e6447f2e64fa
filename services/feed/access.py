"""What an agency has in the broker, by name, and what its user may do there: read its stream, and nothing else."""

import re
from base64 import b64encode
from hashlib import sha256
from secrets import token_bytes, token_urlsafe

from msgspec import Struct

#: Patterns of names, as RabbitMQ's permissions take them.
NOTHING, EVERYTHING = "^$", ".*"
STREAMS = r"^feed\.[a-z0-9-]+$"
EXCHANGES = r"^niangjia\.[a-z0-9-]+\.events$"
#: Connections, and channels over all of them, that an agency may have open.
CONNECTIONS, CHANNELS = 10, 20
#: The queue that belongs to the one who writes into the streams; it holds nothing.
WRITER = "niangjia.writer"


class Rights(Struct, frozen=True, kw_only=True):
    """Patterns of what a user may do."""

    configure: str = NOTHING
    write: str = NOTHING
    read: str = NOTHING
    #: Routing keys that it may read where it binds to its exchange.
    topics: str = NOTHING


#: What feed itself does there day by day.
PUBLISHER = Rights(configure=f"^{re.escape(WRITER)}$", write=EXCHANGES, read=STREAMS)


class Access(Struct, frozen=True, kw_only=True):
    """What an agency's login to the broker is to be."""

    agency: str
    #: As `password_hash` makes it; "" where the agency comes with a certificate only.
    password_hash: str
    #: Whether it may come in at present; its stream is there all the same.
    allowed: bool = True
    #: Cluster name of the broker that may federate the agency's exchange; with ":" and its virtual host, unless "/".
    federated_to: str = ""

    @property
    def rights(self) -> Rights:
        """What its user may do in the partners' virtual host."""
        readable, linked = re.escape(stream(self.agency)), re.escape(exchange(self.agency))
        if not self.federated_to:
            return Rights(read=f"^{readable}$")
        # The queue, and the two exchanges in turn, that RabbitMQ's federation makes; how it names them depends on which
        # virtual host and exchange are called alike here and there. Few names, so that few queues can be made.
        cluster, _, host = self.federated_to.partition(":")
        there = f"{re.escape(cluster)}(:{re.escape(host or '/')})?(:{linked})?"
        own = f"federation: {linked} -> {there}( [AB])?"
        return Rights(configure=f"^{own}$", write=f"^{own}$", read=f"^({readable}|{linked}|{own})$", topics=EVERYTHING)


def stream(agency: str) -> str:
    """Return the name of an agency's stream."""
    return f"feed.{agency}"


def exchange(agency: str) -> str:
    """Return the name of the exchange on which an agency's deliveries are published."""
    return f"niangjia.{agency}.events"


def password() -> str:
    """Return a new password for an agency."""
    return token_urlsafe(32)


def password_hash(password: str) -> str:
    """Return what the broker keeps of a password, in the form that RabbitMQ takes."""
    salt = token_bytes(4)
    return b64encode(salt + sha256(salt + password.encode()).digest()).decode()
