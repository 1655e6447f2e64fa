"""Which port each part of a system gets: free ones on loopback, kept from one start to the next."""

import json
import socket
from collections.abc import Iterable
from hashlib import sha256
from itertools import chain

from deploy.files import write_private
from deploy.home import Home
from deploy.problem import Problem
from shared.runtime.variables import SERVICES

#: Further ports on which the broker listens: `names` and `nodes` are Erlang's own (the name server, and the door for
#: its command line tools), `broker-tls` is for partners, `broker-api` for the management API.
BROKER_PARTS = ("names", "nodes", "broker-tls", "broker-api")
PARTS = ("broker", *BROKER_PARTS, "database", *SERVICES)

#: Below the ports that the kernel gives to outgoing connections, so that none of those is ever in the way.
_FIRST, _LAST = 20000, 29999


def is_free(port: int) -> bool:
    """Say whether nothing listens on a port of the loopback address."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        # as servers do, so that connections that still linger after a stop are not taken for a listener
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def settle_ports(home: Home, running: Iterable[str] = ()) -> dict[str, int]:
    """Return the port of each part, and remember it; a new one only where the old one is taken by somebody else.

    `running` names the parts whose own port is taken because they run.
    """
    known, running = home.ports, set(running)
    ports: dict[str, int] = {}
    for part in PARTS:
        port = known.get(part)
        if port is None or (part not in running and not is_free(port)):
            port = _free_port(home, taken={*known.values(), *ports.values()})
        ports[part] = port
    if ports != known:
        write_private(home.root / "ports.json", json.dumps(ports, indent=2) + "\n")
    return ports


def _free_port(home: Home, taken: set[int]) -> int:
    # each home begins its search elsewhere, so that two that start at the same moment do not choose the same port
    offset = int.from_bytes(sha256(bytes(home.root)).digest()[:4], "big") % (_LAST - _FIRST + 1)
    for port in chain(range(_FIRST + offset, _LAST + 1), range(_FIRST, _FIRST + offset)):
        if port not in taken and is_free(port):
            return port
    raise Problem(f"no port from {_FIRST} to {_LAST} is free", "stop something that listens there")
