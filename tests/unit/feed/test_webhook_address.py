"""No webhook leads into a private network, however its address is written, unless an operator allows it."""

from ipaddress import IPv4Address, IPv6Address, ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.feed.address import AddressRefused, Allowed, check, is_public, target

NOTHING = Allowed()
HERE = Allowed.read("127.0.0.0/8, ::1, hooks.intranet")

PRIVATE = [
    "0.0.0.0",
    "0.1.2.3",
    "10.0.0.1",
    "100.64.0.1",
    "100.100.100.200",
    "127.0.0.1",
    "127.255.255.254",
    "168.63.129.16",
    "169.254.169.254",
    "172.16.0.1",
    "172.31.255.255",
    "192.0.0.192",
    "192.168.1.1",
    "198.18.0.1",
    "224.0.0.1",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::ffff:127.0.0.1",
    "::ffff:10.0.0.1",
    "::ffff:169.254.169.254",
    "::127.0.0.1",
    "64:ff9b::7f00:1",
    "64:ff9b:1::7f00:1",
    "100::1",
    "2001::1",
    "2001:db8::1",
    "2002:7f00:1::1",
    "3fff::1",
    "5f00::1",
    "fc00::1",
    "fd00:ec2::254",
    "fe80::1",
    "fe80::1%1",
    "fec0::1",
    "ff02::1",
]
PUBLIC = [
    "1.1.1.1",
    "8.8.8.8",
    "100.63.255.255",
    "100.128.0.0",
    "172.32.0.1",
    "223.255.255.255",
    "::ffff:8.8.8.8",
    "2606:4700::1111",
]


def why(url: str, allowed: Allowed = NOTHING) -> str:
    with pytest.raises(AddressRefused) as refused:
        check(url, allowed)
    return str(refused.value)


def bracketed(address: str) -> str:
    return f"[{address}]" if ":" in address else address


@pytest.mark.parametrize("address", PRIVATE)
def test_a_private_address_is_refused(address: str) -> None:
    assert not is_public(ip_address(address))
    assert why(f"https://{bracketed(address)}/hook")
    assert not target("https://police.example/hook", NOTHING).may_be_at(address, NOTHING)


@pytest.mark.parametrize("address", PUBLIC)
def test_a_public_address_is_called(address: str) -> None:
    check(f"https://{bracketed(address)}/hook", NOTHING)
    assert target("https://police.example/hook", NOTHING).may_be_at(address, NOTHING)


@given(st.one_of(st.ip_addresses(v=4), st.ip_addresses(v=6)))
def test_nothing_that_is_special_is_public(address: IPv4Address | IPv6Address) -> None:
    address = getattr(address, "ipv4_mapped", None) or address
    special = (
        address.is_private
        or address.is_loopback
        or address.is_link_local
        or address.is_multicast
        or address.is_reserved
        or address.is_unspecified
    )
    assert not (special and is_public(address))


@given(st.ip_addresses(v=4))
def test_an_ipv4_address_in_the_clothes_of_ipv6_counts_as_what_it_is(address: IPv4Address) -> None:
    assert is_public(IPv6Address(f"::ffff:{address}")) == is_public(address)
    assert not is_public(IPv6Address(f"64:ff9b::{address}"))
    assert not is_public(IPv6Address((0x2002 << 112) | (int(address) << 80)))
    assert not is_public(IPv6Address(f"::{address}"))


@pytest.mark.parametrize(
    "host",
    [
        "2130706433",
        "0x7f000001",
        "0x7f.1",
        "127.1",
        "0177.0.0.1",
        "127.0.0.01",
        "1.2.3",
        "localhost",
        "a.localhost",
        "LOCALHOST.",
    ],
)
def test_a_number_written_otherwise_or_this_machine_is_refused(host: str) -> None:
    assert why(f"https://{host}/hook")


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("http://police.example/hook", "https://"),
        ("ftp://police.example/hook", "https://"),
        ("police.example/hook", "https://"),
        ("", "ASCII"),
        ("https://", "no host"),
        ("https:///hook", "no host"),
        ("https://user:secret@police.example/hook", "password"),
        ("https://user@police.example/hook", "password"),
        ("https://police.example/hook#part", "fragment"),
        ("https://police.example:0/hook", "port"),
        ("https://police.example:99999/hook", "read"),
        ("https://police.example:x/hook", "read"),
        ("https://[::1/hook", "read"),
        ("https://police.example\\@evil.example/", "ASCII"),
        ("https://police.example/ho ok", "ASCII"),
        ("https://police.example/hook\r\nHost: evil", "ASCII"),
        ("https://公安.example/hook", "ASCII"),
        ("https://-police.example/hook", "host"),
        ("https://police..example/hook", "host"),
        ("https://police.example/" + "a" * 2_000, "long"),
    ],
)
def test_what_cannot_be_called_is_refused_and_says_why(url: str, said: str) -> None:
    assert said in why(url)


def test_the_reason_never_repeats_the_address() -> None:
    assert "secret" not in why("https://name:secret@police.example/?token=secret")
    assert "token" not in repr(target("https://police.example/?token=1", NOTHING))


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:8000/",
        "https://127.0.0.1/",
        "http://[::1]/",
        "http://localhost:1/",
        "http://hooks.intranet/",
        "https://hooks.intranet/",
    ],
)
def test_what_an_operator_allows_is_called_also_without_tls(url: str) -> None:
    check(url, HERE)


def test_one_host_that_is_allowed_opens_no_other() -> None:
    inside = target("http://hooks.intranet/", HERE)
    assert inside.may_be_at("10.1.2.3", HERE)
    outside = target("https://police.example/", HERE)
    assert outside.may_be_at("127.0.0.1", HERE)
    assert not outside.may_be_at("10.1.2.3", HERE)
    assert why("http://other.intranet/", HERE)
    assert why("http://8.8.8.8/", HERE)


def test_without_tls_a_name_that_leads_outside_is_not_called() -> None:
    assert not target("http://localhost/", HERE).may_be_at("8.8.8.8", HERE)


@pytest.mark.parametrize("text", ["10.0.0.0/33", "10.0.0.1/8", "a b", "2130706433", "https://x"])
def test_what_is_allowed_must_be_networks_or_hosts(text: str) -> None:
    with pytest.raises(ValueError):
        Allowed.read(text)


def test_a_target_says_where_it_goes() -> None:
    found = target("https://Police.Example.:8443/hook?a=b", NOTHING)
    assert (found.secure, found.host, found.port, found.path) == (True, "police.example", 8443, "/hook?a=b")
    assert found.authority == "police.example:8443"
    assert target("https://police.example", NOTHING).authority == "police.example"
    assert target("https://[2606:4700::1111]:1/", NOTHING).authority == "[2606:4700::1111]:1"
