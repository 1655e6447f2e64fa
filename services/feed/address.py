"""Where a webhook may be called: at public addresses and by TLS only, except where an operator allows otherwise.

What a partner gives as its address is asked for from inside the house: without this, it could name a machine that only
the house can reach. The name says little, because it may mean another machine a moment later; so every address to which
it leads is looked at, each time, before a connection is made to that very address.
"""

import re
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final, Self
from urllib.parse import urlsplit

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

MAX_URL: Final = 2_000
_PORTS: Final = {"https": 443, "http": 80}
#: All that an address may be written with (RFC 3986); what else there is, programs read in different ways.
_WRITTEN: Final = re.compile(r"[A-Za-z0-9\-._~:/?#\[\]@!$&'()*+,;=%]+")
_LABEL: Final = r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?"
_NAME: Final = re.compile(rf"(?=.{{1,253}}$)({_LABEL}\.)*{_LABEL}")
#: The last part of a host that is meant as a number: 127.0.0.1, but also 2130706433, 0x7f.1 or 127.1.
_NUMBER: Final = re.compile(r"(.*\.)?([0-9]+|0x[0-9a-f]*)")
_LOOPBACK: Final = (IPv4Address("127.0.0.1"), IPv6Address("::1"))

#: Not on the internet, or not one machine (IANA's registries of special addresses), or what clouds keep to themselves.
_SPECIAL: Final[tuple[Network, ...]] = tuple(
    ip_network(text)
    for text in (
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",  # behind a provider's NAT
        "127.0.0.0/8",
        "168.63.129.16/32",  # of the machine's own cloud
        "169.254.0.0/16",  # link-local, and metadata of clouds
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.88.99.0/24",
        "192.168.0.0/16",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/3",  # multicast, reserved, broadcast
        "2001::/23",  # tunnels among them, which lead to an IPv4 address
        "2001:db8::/32",
        "2002::/16",  # likewise
        "3fff::/20",
    )
)
#: Of IPv6 only this is given out to machines of the internet.
_GIVEN_OUT: Final = IPv6Network("2000::/3")


class AddressRefused(ValueError):
    """Nobody is called there; the text says why and never what the address is."""


@dataclass(frozen=True, slots=True)
class Allowed:
    """What an operator allows besides public addresses: networks, and hosts wherever they are."""

    networks: tuple[Network, ...] = ()
    hosts: frozenset[str] = frozenset()

    @classmethod
    def read(cls, text: str) -> Self:
        """Return what a list means, separated by commas, as in `10.8.0.0/16,hooks.intranet`.

        Raises:
            ValueError: a part is neither a network nor a host.
        """
        networks: list[Network] = []
        hosts: set[str] = set()
        for part in filter(None, (part.strip().lower() for part in text.split(","))):
            if "/" in part or ":" in part or _NUMBER.fullmatch(part):
                networks.append(ip_network(part))
            elif _NAME.fullmatch(part):
                hosts.add(part)
            else:
                raise ValueError("neither a network nor a host")
        return cls(tuple(networks), frozenset(hosts))

    def holds(self, address: Address) -> bool:
        """Tell whether an address lies in one of the networks."""
        return any(address.version == network.version and address in network for network in self.networks)


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """Where a call goes."""

    secure: bool
    #: A name or an address, without brackets.
    host: str
    port: int
    #: With the query, which may be a secret.
    path: str = field(repr=False)

    @property
    def authority(self) -> str:
        """What is said of host and port in a request."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _PORTS["https" if self.secure else "http"] else f"{host}:{self.port}"

    def may_be_at(self, address: str, allowed: Allowed) -> bool:
        """Tell whether an address to which the host leads now may be connected to."""
        if self.host in allowed.hosts:
            return True
        found = _unmapped(ip_address(address))
        return allowed.holds(found) or (self.secure and is_public(found))


def check(url: str, allowed: Allowed) -> None:
    """Find nothing wrong with a URL, as far as it can be told without asking where its host is.

    Raises:
        AddressRefused: nobody may be called there.
    """
    target(url, allowed)


def target(url: str, allowed: Allowed) -> Target:
    """Return what a URL says.

    Raises:
        AddressRefused: nobody may be called there.
    """
    if len(url) > MAX_URL:
        raise AddressRefused(f"is too long: at most {MAX_URL} characters")
    if not _WRITTEN.fullmatch(url):
        raise AddressRefused("must be written in ASCII, anything else percent-encoded (a host as xn--…)")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise AddressRefused("cannot be read; write it as https://host/path") from None
    if parts.scheme not in _PORTS:
        raise AddressRefused("must begin with https://")
    if "@" in parts.netloc:
        raise AddressRefused("must not hold a user or a password: calls are signed instead")
    if "#" in url:
        raise AddressRefused("must not hold a fragment (#)")
    if port == 0:
        raise AddressRefused("has no port that can be called")
    found = Target(
        secure=parts.scheme == "https",
        host=_host(parts.hostname),
        port=port or _PORTS[parts.scheme],
        path=f"{parts.path or '/'}{f'?{parts.query}' if parts.query else ''}",
    )
    _check_host(found, allowed)
    return found


def is_public(address: Address) -> bool:
    """Tell whether an address is one of the internet, where everybody could call it."""
    address = _unmapped(address)
    if isinstance(address, IPv6Address) and (address not in _GIVEN_OUT or address.scope_id):
        return False
    return not any(address.version == network.version and address in network for network in _SPECIAL)


def literal(host: str) -> Address | None:
    """Return the address that a host is, or None where it is a name."""
    try:
        return ip_address(host)
    except ValueError:
        return None


def _host(host: str | None) -> str:
    """Return a host in the one way in which it is written."""
    host = (host or "").removesuffix(".")
    if literal(host) is None and (not _NAME.fullmatch(host) or _NUMBER.fullmatch(host)):
        raise AddressRefused("has no host that can be called; write a name, or an address in its usual form")
    return host


def _check_host(target: Target, allowed: Allowed) -> None:
    """Refuse what needs no look at where the host is."""
    if target.host in allowed.hosts:
        return
    known = literal(target.host)
    places = (known,) if known else _LOOPBACK if _is_here(target.host) else ()
    is_allowed = any(allowed.holds(_unmapped(place)) for place in places)
    if places and not is_allowed and not all(is_public(place) for place in places):
        raise AddressRefused("lies in a private network; NIANGJIA_WEBHOOK_PRIVATE may allow it")
    if not target.secure and not is_allowed:
        raise AddressRefused("must begin with https://: http is only for what NIANGJIA_WEBHOOK_PRIVATE allows")


def _is_here(host: str) -> bool:
    return host == "localhost" or host.endswith(".localhost")


def _unmapped(address: Address) -> Address:
    """Return the IPv4 address for which an IPv6 one only stands."""
    return (isinstance(address, IPv6Address) and address.ipv4_mapped) or address
