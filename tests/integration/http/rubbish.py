"""What no sender should send: real reports with something wrong in them, and things that are no reports at all."""

import json
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from random import Random
from typing import Any

WEEK = Path(__file__).parents[3] / "deploy" / "sample" / "week"


def lines(name: str) -> list[dict[str, Any]]:
    """Return a file of the sample week."""
    return [json.loads(line) for line in (WEEK / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()]


def spelled_out(value: Any) -> Any:
    """Return an input of invalid.jsonl without the markers that keep the file small."""
    if isinstance(value, dict) and set(value) == {"repeat"}:
        text, times = value["repeat"]
        return text * times
    if isinstance(value, dict) and set(value) == {"concat"}:
        return "".join(spelled_out(part) for part in value["concat"])
    if isinstance(value, dict):
        return {name: spelled_out(part) for name, part in value.items()}
    return [spelled_out(part) for part in value] if isinstance(value, list) else value


ODD_TEXTS = [
    "", " ", "\u3000", "\x00", "\x1b[31m", "\n", "\r\n", "\u2028", "\ufeff", "\ud800", "\udfff\ud800", "\U0010ffff",
    "e\u0301" * 40, "\u202e", "🧕🏽", "𠮷", "null", "true", "1", "-0", "NaN", "1e999", "2026-02-30",
    "2026-03-02T09:14:00",
    "9999-12-31T23:59:59-23:59", "0001-01-01T00:00:00+23:59", "2026-03-02T09:14:00+08:00", "24:00-00:00",
    "a" * 30_000,
    "$where", "{}", "[]", "' OR 1=1 --", "../../etc/passwd", "%00", "12338-20260302-0001", "330302004012", "٣٣٠٣٠٢",
]  # fmt: skip
ODD_VALUES: list[Any] = [
    None, True, False, 0, -1, 1, 2**31, 2**53 + 1, 2**63, 2**64, -(2**70), 10**400, 0.1, -0.0, 1e308, [], {},
    [[]], [{}],
    [None], {"": None}, {"$ne": 1}, {"name": "x"}, ["x"] * 200, [[[[[[[]]]]]]], {"a": {"a": {"a": {"a": {}}}}},
]  # fmt: skip
RAW = [
    b"", b" ", b"\x00", b"\xff\xfe", b"\xef\xbb\xbf{}", b"null", b"[]", b"{}", b"{", b"}", b'"', b"'",
    b"0" * 500, b"1e999",
    b"-", b"[" * 3_000, b'{"a":' * 3_000, b"[" * 500 + b"]" * 500, b'{"a":1,"a":2}', b"NaN", b"Infinity", b"tru",
    b"9" * 5_000, b'{"report_key": "\\ud800"}', b'{"report_key": "\\u0000"}', b'{"\\ud800": 1}', b"<xml/>",
    b"a=b&c=d",
]  # fmt: skip

#: A part of a JSON value: what holds it, and its key or number there.
Place = tuple[Any, Any]
#: Changes a JSON value in place, at one of its places.
Change = Callable[[Random, list[Place]], None]


def places(value: Any) -> list[Place]:
    """Return every place in a JSON value."""
    found: list[Place] = []
    holders = [value]
    while holders:
        holder = holders.pop()
        for key, part in holder.items() if isinstance(holder, dict) else enumerate(holder):
            found.append((holder, key))
            if isinstance(part, dict | list):
                holders.append(part)
    return found


def odd_value(random: Random) -> Any:
    return deepcopy(random.choice(ODD_VALUES))


def replaced(random: Random, among: list[Place]) -> None:
    holder, key = random.choice(among)
    holder[key] = odd_value(random) if random.random() < 0.5 else random.choice(ODD_TEXTS)


def removed(random: Random, among: list[Place]) -> None:
    holder, key = random.choice(among)
    del holder[key]


def added(random: Random, among: list[Place]) -> None:
    holder, _ = random.choice(among)
    if isinstance(holder, dict):
        holder[random.choice([*ODD_TEXTS, "victim_name", "_id", "__proto__"])] = odd_value(random)
    else:
        holder.append(odd_value(random))


def wrapped(random: Random, among: list[Place]) -> None:
    holder, key = random.choice(among)
    for _ in range(random.choice([1, 1, 2, 60])):
        holder[key] = random.choice([[holder[key]], {"x": holder[key]}])


def stretched(random: Random, among: list[Place]) -> None:
    holder, key = random.choice(among)
    if isinstance(holder[key], str | list):
        holder[key] = holder[key] * random.choice([2, 50, 300])


def exchanged(random: Random, among: list[Place]) -> None:
    (one, key), (other, name) = random.choice(among), random.choice(among)
    one[key] = deepcopy(other[name])


CHANGES: list[Change] = [replaced, replaced, removed, added, wrapped, stretched, exchanged]


def mutated(random: Random, value: Any) -> bytes:
    """Return a JSON value with a few things wrong in it, and now and then broken as a text, too."""
    draft = deepcopy(value)
    for _ in range(random.choice([1, 1, 1, 2, 3, 8])):
        if among := places(draft):
            random.choice(CHANGES)(random, among)
    text = json.dumps(draft, ensure_ascii=random.random() < 0.5).encode("utf-8", "surrogatepass")
    return broken(random, text) if random.random() < 0.15 else text


def broken(random: Random, text: bytes) -> bytes:
    """Return bytes with a piece cut out, put in, doubled or changed."""
    start = random.randrange(len(text) + 1)
    end = min(len(text), start + random.choice([0, 1, 3, 40]))
    between = random.choice([b"", random.randbytes(3), text[start:end] * 2, b'"', b",", b"{", b'"district": "1", '])
    return text[:start] + between + text[end:]


def anything(random: Random, valid: list[dict[str, Any]]) -> bytes:
    """Return a body: mostly a valid one with something wrong in it."""
    chance = random.random()
    if chance < 0.75:
        return mutated(random, random.choice(valid))
    if chance < 0.9:
        return random.choice(RAW)
    return random.randbytes(random.choice([1, 10, 1_000]))


METHODS = [
    "GET",
    "POST",
    "PUT",
    "PATCH",
    "DELETE",
    "HEAD",
    "OPTIONS",
    "TRACE",
    "PROPFIND",
    "get",
    "BREW",
    "CONNECT",
    "@",
]
PATHS = [
    "/", "//", "/reports", "/reports/", "/reports/batch", "/cases", "/cases/", "/cases/x", "/cases/%00",
    "/cases/..%2f..",
    "/cases/" + "a" * 200, "/health", "/metrics", "/progress", "/disclosures", "/contacts", "/volunteers/batch",
    "*", "",
    "/cases/%ff%fe", "http://x/reports", "/reports#x", "/é", "/cases/019cabd8-3f40-7a51-9c0e-5b1d2f3a4c6e", "/a b",
]  # fmt: skip
QUERIES = [
    "", "?", "?grade=red", "?grade=", "?grade=red&grade=blue", "?grade[$ne]=x", "?limit=0", "?limit=-1", "?limit=1e9",
    "?limit=999999999999999999999", "?district=%ff", "?district=.*", "?after=x", "?" + "a=1&" * 80, "?%00=%00", "?=",
    "?&&&", "?file=1", "?file=1&purpose=x", "?file=1&purpose=casework", "?child_case=maybe",
    "?x=" + "y" * 5_000, "?;",
]  # fmt: skip
HEADERS: list[dict[str, str]] = [
    {}, {}, {"Content-Type": "application/json"}, {"Content-Type": "text/plain; charset=utf-16"},
    {"Accept": "x" * 900},
    {"Content-Length": "-1"}, {"Content-Length": "x"}, {"Content-Length": "99999999999"}, {"Content-Length": "1, 2"},
    {"Transfer-Encoding": "chunked"}, {"Transfer-Encoding": "gzip"}, {"Expect": "100-continue"}, {"Expect": "x"},
    {"Upgrade": "websocket", "Connection": "Upgrade"}, {"Connection": "close"}, {"Content-Encoding": "gzip"},
    {"Authorization": "Bearer x"}, {"Authorization": ""}, {"Authorization": "Bearer é\xff"},
    {"Authorization": "Basic Og=="},
    {"X-Odd": "\x7f"}, {"X Odd": "space"}, {"": "empty"}, {"Host": ""}, {"X-Long": "y" * 40_000},
    {"Cookie": "a=b; " * 500},
]  # fmt: skip
