#!/usr/bin/env python3
"""Checks an evidence bundle of Niangjia: whether anything in it was changed, removed, reordered or cut off.

    python verify_bundle.py FILE [--key PUBKEY] [--language zh|en]

One file, no dependencies, no network: Python 3.9 or newer is enough. Take it from a place that you trust, not from who
gave you the bundle. Exit code: 0 the bundle is whole, 1 it is not, 2 it was asked for wrongly.

What is checked, from the outside in:

1. The archive is byte for byte the one that follows from its parts.
2. The manifest is signed (Ed25519) and holds length and SHA-256 of every part.
3. Every anchor is signed with the federation's key. An anchor says, for one service and day, how many events its
   journal had, and the root of a Merkle tree (RFC 6962) over them; where it was stamped, the stamp is for this very
   anchor. Each later anchor holds all that the one before held.
4. Every line of a journal is in the tree of the first anchor after it: its path leads to the signed root.
5. The last anchor says how many events its journal had of this case: the bundle has them all.
6. The lists of disclosures, deliveries and receipts are those that follow from the lines.

What is not checked: that the key is the federation's (compare its fingerprint, or name the key with --key), and the
certificate of the time-stamping authority, for which the standard library has no means (`openssl ts -verify` has).
"""

from __future__ import annotations

import argparse
import base64
import binascii
import hashlib
import json
import re
import struct
import sys
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

FORMAT = 1
MANIFEST, SIGNATURE, README, KEY = "MANIFEST.json", "MANIFEST.sig", "README.txt", "federation.pem"
#: What is signed begins with what it is, so that no signature of one can be taken for one of the other.
ANCHOR_CONTEXT = b"niangjia anchor 1\n"
MANIFEST_CONTEXT = b"niangjia evidence 1\n"
#: The fields of a line of a journal, in the order in which they are hashed.
LINE = (
    "salt", "service", "event", "entry", "cause", "at", "hash", "previous",
    "id", "type", "version", "time", "subject", "case", "data", "sealed",
)  # fmt: skip
#: The fields of an anchor.
ANCHOR = (
    "service", "number", "day", "at", "events", "root", "cases", "cases_root", "head", "previous", "key", "signature",
)  # fmt: skip
#: Lists for people, with the events that each is made of.
VIEWS = {
    "deliveries.ndjson": ("delivery.made", "delivery.sealed", "delivery.failed"),
    "disclosures.ndjson": ("identity.disclosed",),
    "receipts.ndjson": ("receipt.recorded",),
}

_HASH = re.compile(r"[0-9a-f]{64}", re.ASCII)
_SIGNATURE = re.compile(r"[0-9a-f]{128}", re.ASCII)
_PEM = re.compile(r"-----BEGIN PUBLIC KEY-----\s+([A-Za-z0-9+/=\s]+?)\s*-----END PUBLIC KEY-----\s*", re.ASCII)
_PEM_PREFIX = bytes.fromhex("302a300506032b6570032100")
#: What reading what somebody has changed may raise.
_UNREADABLE = (
    KeyError, TypeError, ValueError, IndexError, AttributeError, RecursionError, OverflowError, MemoryError,
    struct.error,
)  # fmt: skip


# --- Ed25519 (RFC 8032) ----------------------------------------------------------------------------------

_P = 2**255 - 19
_Q = 2**252 + 27742317777372353535851937790883648493
_D = -121665 * pow(121666, _P - 2, _P) % _P
_ROOT_OF_MINUS_ONE = pow(2, (_P - 1) // 4, _P)

#: A point of the curve in extended coordinates.
_Point = tuple[int, int, int, int]


def _add(a: _Point, b: _Point) -> _Point:
    minus, plus = (a[1] - a[0]) * (b[1] - b[0]) % _P, (a[1] + a[0]) * (b[1] + b[0]) % _P
    t, z = 2 * a[3] * b[3] * _D % _P, 2 * a[2] * b[2] % _P
    e, f, g, h = plus - minus, z - t, z + t, plus + minus
    return e * f % _P, g * h % _P, f * g % _P, e * h % _P


def _times(number: int, point: _Point) -> _Point:
    total: _Point = (0, 1, 1, 0)
    while number:
        if number & 1:
            total = _add(total, point)
        point = _add(point, point)
        number >>= 1
    return total


def _same(a: _Point, b: _Point) -> bool:
    return (a[0] * b[2] - b[0] * a[2]) % _P == 0 and (a[1] * b[2] - b[1] * a[2]) % _P == 0


def _point(raw: bytes) -> _Point | None:
    """Return the point that 32 bytes encode, or None."""
    y = int.from_bytes(raw, "little")
    sign, y = y >> 255, y & ((1 << 255) - 1)
    if y >= _P:
        return None
    square = (y * y - 1) * pow(_D * y * y + 1, _P - 2, _P) % _P
    x = pow(square, (_P + 3) // 8, _P)
    if (x * x - square) % _P:
        x = x * _ROOT_OF_MINUS_ONE % _P
    if (x * x - square) % _P or (x == 0 and sign):
        return None
    if x & 1 != sign:
        x = _P - x
    return x, y, 1, x * y % _P


_BASE_Y = 4 * pow(5, _P - 2, _P) % _P
_BASE_X = 15112221349535400772501151409588531511454012693041857206046113283949847762202
_BASE = (_BASE_X, _BASE_Y, 1, _BASE_X * _BASE_Y % _P)


def is_signed(key: bytes, message: bytes, signature: bytes) -> bool:
    """Tell whether a signature of a message was made with the secret key that belongs to a public one."""
    if len(key) != 32 or len(signature) != 64:
        return False
    public, r = _point(key), _point(signature[:32])
    s = int.from_bytes(signature[32:], "little")
    if public is None or r is None or s >= _Q:
        return False
    challenge = int.from_bytes(hashlib.sha512(signature[:32] + key + message).digest(), "little") % _Q
    return _same(_times(s, _BASE), _add(r, _times(challenge, public)))


def read_signature(value: str) -> bytes:
    """Return the bytes of a signature; none where it is not written as we write it, and so may have been changed."""
    return bytes.fromhex(value) if _SIGNATURE.fullmatch(value) else b""


def fingerprint(key: bytes) -> str:
    """Return how a public key is told to people: its SHA-256, four digits at a time."""
    digest = hashlib.sha256(key).hexdigest()
    return " ".join(digest[at : at + 4] for at in range(0, 64, 4))


def pem(key: bytes) -> bytes:
    """Return a public key as other programs read it."""
    inner = base64.b64encode(_PEM_PREFIX + key).decode()
    return f"-----BEGIN PUBLIC KEY-----\n{inner}\n-----END PUBLIC KEY-----\n".encode()


def read_key(text: str) -> bytes:
    """Return the public key that a text holds, as 64 hexadecimal digits or in PEM.

    Raises:
        ValueError: it holds none.
    """
    stripped = text.strip()
    if _HASH.fullmatch(stripped.lower()):
        return bytes.fromhex(stripped)
    found = _PEM.fullmatch(stripped)
    raw = base64.b64decode("".join(found[1].split()), validate=True) if found else b""
    if len(raw) != 44 or not raw.startswith(_PEM_PREFIX):
        raise ValueError("no Ed25519 public key")
    return raw[len(_PEM_PREFIX) :]


# --- Merkle trees (RFC 6962) -----------------------------------------------------------------------------


def leaf_hash(content: bytes) -> bytes:
    """Return the hash of a leaf."""
    return hashlib.sha256(b"\x00" + content).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Return the hash of a node."""
    return hashlib.sha256(b"\x01" + left + right).digest()


def is_included(leaf: bytes, index: int, size: int, path: Sequence[bytes], root: bytes) -> bool:
    """Tell whether a path leads from the leaf at `index` to the root of a tree of `size` leaves."""
    if not 0 <= index < size:
        return False
    here, last, found = index, size - 1, leaf
    for sibling in path:
        if last == 0:
            return False
        if here & 1 or here == last:
            found = node_hash(sibling, found)
            while here and not here & 1:
                here, last = here >> 1, last >> 1
        else:
            found = node_hash(found, sibling)
        here, last = here >> 1, last >> 1
    return last == 0 and found == root


def is_grown(size: int, root: bytes, later_size: int, later_root: bytes, path: Sequence[bytes]) -> bool:
    """Tell whether a later tree begins with all the leaves of an earlier one."""
    if not 0 < size <= later_size:
        return False
    if size == later_size:
        return not path and root == later_root
    hashes = list(path) if size & (size - 1) else [root, *path]
    if not hashes:
        return False
    here, last = size - 1, later_size - 1
    while here & 1:
        here, last = here >> 1, last >> 1
    earlier = later = hashes[0]
    for sibling in hashes[1:]:
        if last == 0:
            return False
        if here & 1 or here == last:
            earlier, later = node_hash(sibling, earlier), node_hash(sibling, later)
            while here and not here & 1:
                here, last = here >> 1, last >> 1
        else:
            later = node_hash(later, sibling)
        here, last = here >> 1, last >> 1
    return last == 0 and earlier == root and later == later_root


# --- What is hashed and signed ---------------------------------------------------------------------------


def canonical(content: Any) -> bytes:
    """Return JSON types as the bytes that are hashed: keys sorted, no space."""
    return json.dumps(content, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


def line_content(line: Mapping[str, Any]) -> bytes:
    """Return the content of the leaf of one line of a journal."""
    return canonical([line[name] for name in LINE])


def case_content(salt: str, case: str, count: int, last: int) -> bytes:
    """Return the content of the leaf that says how many events a journal has of a case, and the number of the last."""
    return canonical([salt, case, count, last])


def anchor_content(anchor: Mapping[str, Any]) -> bytes:
    """Return what is signed of an anchor."""
    return ANCHOR_CONTEXT + canonical({name: anchor[name] for name in ANCHOR if name != "signature"})


def view(name: str, lines: Iterable[Mapping[str, Any]]) -> bytes:
    """Return a list for people, made from lines of journals."""
    rows = [
        {"service": line["service"], "event": line["event"], "type": line["type"], "time": line["time"]}
        | {"data": json.loads(line["data"])}
        for line in lines
        if line["type"] in VIEWS[name]
    ]
    return b"".join(canonical(row) + b"\n" for row in rows)


# --- The archive -----------------------------------------------------------------------------------------

_LOCAL, _CENTRAL, _END = b"PK\x03\x04", b"PK\x01\x02", b"PK\x05\x06"
#: Version needed, flags, method (stored), time and date (1 January 1980): the same in every archive.
_SAME = struct.pack("<5H", 20, 0, 0, 0, 0x21)


def packed(parts: Mapping[str, bytes]) -> bytes:
    """Return the one zip archive that holds these parts: sorted, stored, with fixed times."""
    archive, index = bytearray(), bytearray()
    for name in sorted(parts):
        content, label = parts[name], name.encode()
        about = _SAME + struct.pack("<3I2H", zlib.crc32(content), len(content), len(content), len(label), 0)
        index += _CENTRAL + struct.pack("<H", 20) + about + struct.pack("<3H2I", 0, 0, 0, 0, len(archive)) + label
        archive += _LOCAL + about + label + content
    end = struct.pack("<4H2IH", 0, 0, len(parts), len(parts), len(index), len(archive), 0)
    return bytes(archive + index + _END + end)


def unpacked(raw: bytes) -> tuple[dict[str, bytes], str]:
    """Return the parts of an archive as far as they can be read, and the part in which it is cut off ("" if none)."""
    parts: dict[str, bytes] = {}
    at = raw.find(_LOCAL)
    while at >= 0:
        if len(raw) < at + 30:
            return parts, "?"
        size, length = struct.unpack_from("<I", raw, at + 18)[0], struct.unpack_from("<H", raw, at + 26)[0]
        begin = at + 30 + length
        name = raw[at + 30 : begin].decode("utf-8", "replace")
        end = begin + size
        if raw[end : end + 4] not in (_LOCAL, _CENTRAL):
            # The size is not right, or the end is missing: the part ends where the next thing begins.
            nexts = [place for place in (raw.find(_LOCAL, begin), raw.find(_CENTRAL, begin)) if place >= 0]
            if not nexts:
                parts.setdefault(name, raw[begin:end])
                return parts, name
            end = min(nexts)
        parts.setdefault(name, raw[begin:end])
        at = raw.find(_LOCAL, end) if raw[end : end + 4] != _LOCAL else end
    return parts, "" if _END in raw else "?"


# --- Stamps (RFC 3161) -----------------------------------------------------------------------------------

_SHA256 = bytes.fromhex("608648016503040201")
_SIGNED_DATA, _STAMP = bytes.fromhex("2a864886f70d010702"), bytes.fromhex("2a864886f70d0109100104")


def der(raw: bytes) -> list[tuple[int, bytes]]:
    """Return the elements of a DER encoding as tag and content.

    Raises:
        ValueError: it is none.
    """
    found, at = [], 0
    while at < len(raw):
        tag, length = raw[at], raw[at + 1]
        at += 2
        if length & 0x80:
            octets = length & 0x7F
            if not 0 < octets <= 4:
                raise ValueError("a length that DER does not know")
            length = int.from_bytes(raw[at : at + octets], "big")
            at += octets
        if at + length > len(raw):
            raise ValueError("cut off")
        found.append((tag, raw[at : at + length]))
        at += length
    return found


def stamp_of(token: bytes) -> tuple[bytes, str]:
    """Return the SHA-256 for which a time-stamp token was made, and its time (UTC).

    Raises:
        ValueError: it is no such token.
    """
    (_, outer), *_ = der(token)
    (_, kind), (_, wrapped), *_ = der(outer)
    (_, signed), *_ = der(wrapped)
    (_, inner_kind), (_, inner), *_ = der(der(signed)[2][1])
    if kind != _SIGNED_DATA or inner_kind != _STAMP:
        raise ValueError("not a time-stamp token")
    (_, octets), *_ = der(inner)
    (_, info), *_ = der(octets)
    fields = der(info)
    (_, algorithm), (_, imprint) = der(fields[2][1])
    if der(algorithm)[0][1] != _SHA256 or len(imprint) != 32:
        raise ValueError("not for a SHA-256")
    time = fields[4][1].decode("ascii")
    if not re.fullmatch(r"[0-9]{14}(\.[0-9]+)?Z", time):
        raise ValueError("no time")
    return imprint, f"{time[:4]}-{time[4:6]}-{time[6:8]} {time[8:10]}:{time[10:12]}:{time[12:14]} UTC"


# --- Words -----------------------------------------------------------------------------------------------

#: What is found or told, in Chinese and English.
WORDS = {
    "no_bundle": (
        "这不是证据包，或已损坏到无法读取。",
        "This is no evidence bundle, or nothing of it can be read any more.",
    ),
    "cut_off": (
        "证据包被截断：在第 {at} 字节处中断（{part}），其后内容缺失。",
        "The file was cut off after byte {at}, in {part}: what followed is missing.",
    ),
    "archive": (
        "压缩包本身被改动：从第 {at} 字节（{part}）起与应有内容不符。",
        "The archive was changed: from byte {at} ({part}) it is not as it was written.",
    ),
    "no_manifest": (
        "清单 {part} 缺失：已被删除或截断。",
        "{part} is missing: it was removed or cut off.",
    ),
    "manifest": (
        "清单 MANIFEST.json 无法读取：已被改动。",
        "MANIFEST.json cannot be read: it was changed.",
    ),
    "manifest_signature": (
        "清单的签名不符：清单被改动，或由持另一把钥匙的人重新制作。",
        "The signature does not fit MANIFEST.json: it was changed, or made anew by somebody with another key.",
    ),
    "part_removed": (
        "{part} 已被删除。",
        "{part} was removed.",
    ),
    "part_lost": (
        "{part} 随之缺失。",
        "{part} is missing with it.",
    ),
    "part_added": (
        "{part} 是后来加入的，清单中没有。",
        "{part} was added: the manifest does not know it.",
    ),
    "part_cut": (
        "{part} 被截断：应有 {wanted} 字节，只剩 {found} 字节。",
        "{part} was cut off: {found} of {wanted} bytes are left.",
    ),
    "part_changed": (
        "{part} 被改动：与签名清单中的哈希不符。",
        "{part} was changed: it does not fit its hash in the manifest.",
    ),
    "unreadable": (
        "{part} 第 {line} 行无法读取：已被改动。",
        "{part}, line {line} cannot be read: it was changed.",
    ),
    "anchor_signature": (
        "{part} 第 {line} 行：锚点的签名不符，锚点被改动。",
        "{part}, line {line}: the signature of the anchor does not fit: the anchor was changed.",
    ),
    "anchor_order": (
        "{part} 第 {line} 行：锚点顺序不对，有锚点被调换、删除或重复。",
        "{part}, line {line}: the anchors are not in their order: one was swapped, removed or doubled.",
    ),
    "anchor_growth": (
        "{service}：{day} 的锚点不包含 {before} 的锚点所载的全部事件，日志在此期间被改动。",
        (
            "{service}: the anchor of {day} does not hold all that the one of {before} held: the journal was changed "
            "in between."
        ),
    ),
    "anchor_key": (
        "{service}：有锚点由未经指明的钥匙签署（指纹 {fingerprint}）。",
        "{service}: anchors are signed with a key that was not named (fingerprint {fingerprint}).",
    ),
    "key": (
        "签署清单的钥匙不是所指明的钥匙（指纹 {fingerprint}）：证据包由他人制作。",
        (
            "The manifest is not signed with the key that was named (its fingerprint is {fingerprint}): somebody "
            "else made this bundle."
        ),
    ),
    "stamp": (
        "{part}：时间戳不是为这个锚点签发的，或已损坏。",
        "{part}: the time stamp is not for this anchor, or is damaged.",
    ),
    "proofs": (
        "{part} 无法读取：证明被改动。",
        "{part} cannot be read: the proofs were changed.",
    ),
    "line_changed": (
        "{part} 第 {line} 行（事件 {event}，{type}）被改动：与 {day} 签署的锚点不符。",
        "{part}, line {line} (event {event}, {type}) was changed: it is not what was anchored on {day}.",
    ),
    "line_foreign": (
        "{part} 第 {line} 行（事件 {event}）属于另一个案件。",
        "{part}, line {line} (event {event}) belongs to another case.",
    ),
    "line_added": (
        "{part} 第 {line} 行（事件 {event}）是后来加入的：没有证明。",
        "{part}, line {line} (event {event}) was added: there is no proof of it.",
    ),
    "line_twice": (
        "{part} 第 {line} 行：事件 {event} 重复出现。",
        "{part}, line {line}: event {event} is there twice.",
    ),
    "line_order": (
        "{part} 第 {line} 行：顺序被调换，事件 {event} 不应在事件 {before} 之后。",
        "{part}, line {line}: the order was changed: event {event} cannot come after event {before}.",
    ),
    "line_removed": (
        "{part}：事件 {events} 已被删除。",
        "{part}: removed: event {events}.",
    ),
    "line_cut": (
        "{part}：末尾被截断，缺少事件 {events}。",
        "{part}: the end was cut off: event {events}.",
    ),
    "lines": (
        "{service}：清单载明本案 {wanted} 行，证据包中有 {found} 行。",
        "{service}: the manifest names {wanted} lines of this case, the bundle has {found}.",
    ),
    "count": (
        (
            "{service}：{day} 的锚点载明本案有 {wanted} 个事件（最后一个是第 {last} 号），证据包中有 {found} 个：有事"
            "件被隐瞒或删除。"
        ),
        (
            "{service}: the anchor of {day} counts {wanted} events of this case (the last is number {last}), the "
            "bundle has {found}: some were left out or removed."
        ),
    ),
    "count_proof": (
        "{service}：关于本案事件总数的证明与签署的锚点不符。",
        "{service}: the proof of how many events there are of this case does not fit the signed anchor.",
    ),
    "view": (
        "{part} 与日志各行不一致。",
        "{part} does not say what the lines of the journals say.",
    ),
    "opened": (
        "{part} 第 {line} 行：所公开的内容与日志中的任何封存内容都不对应。",
        "{part}, line {line}: what was opened belongs to nothing that is sealed in the journal.",
    ),
    "about": (
        "证据包：案件 {case}，{by} 于 {at} 制作。",
        "Bundle: case {case}, made by {by} at {at}.",
    ),
    "closed": (
        "不含封存内容，只含其哈希。",
        "What is sealed is there as a hash only.",
    ),
    "opened_for": (
        "含公开的封存内容，用途 {purpose}，理由：{reason}",
        "With sealed content, opened for {purpose}: {reason}",
    ),
    "fingerprint": (
        "签署钥匙的指纹：{fingerprint}\n  请与妇联公布的指纹核对：只有指纹相同，以下结论才能证明来源。",
        (
            "Fingerprint of the key: {fingerprint}\n  Compare it with the one that the federation publishes: the "
            "rest holds only for whoever has that key."
        ),
    ),
    "key_named": (
        "签署钥匙就是所指明的钥匙：{fingerprint}",
        "Signed with the key that was named: {fingerprint}",
    ),
    "other_key": (
        "{service}：有锚点由另一把钥匙签署：{fingerprint}，也请核对。",
        "{service}: some anchors are signed with another key, compare it too: {fingerprint}",
    ),
    "service": (
        "{service}：本案共 {lines} 行，与 {first} 至 {day} 签署的锚点相符，一行不少；该日日志共有 {events} 个事件。",
        (
            "{service}: all {lines} lines of this case are there, as anchored from {first} to {day}, when the journal "
            "had {events} events."
        ),
    ),
    "service_none": (
        "{service}：没有本案的记录（以签名声明，未附证明）。",
        "{service}: no line of this case (the federation's signed word, without proof).",
    ),
    "stamped": (
        "{service}：{day} 的锚点带有时间戳 {time}。时间戳机构的证书未经检验（可用 openssl ts -verify）。",
        (
            "{service}: the anchor of {day} is stamped {time}. The certificate of the authority was not checked "
            "(`openssl ts -verify` does)."
        ),
    ),
    "opened_note": (
        "公开的内容与封存字节的对应关系由签名担保；要独立检验须有案件钥匙。",
        (
            "That the opened content is what is sealed is vouched for by the signature; to check it takes the key of "
            "the case."
        ),
    ),
    "whole": (
        "结论：完整。没有任何内容被改动、删除、调换或截断。",
        "WHOLE: nothing was changed, removed, reordered or cut off.",
    ),
    "not_whole": (
        "结论：不完整。发现 {count} 处问题。",
        "NOT WHOLE. Findings: {count}.",
    ),
    "no_file": (
        "无法读取文件 {file}。",
        "{file} cannot be read.",
    ),
    "no_key": (
        "{key} 不是公钥：请给出 PEM 文件或 64 位十六进制数。",
        "{key} is no public key: name a PEM file, or give 64 hexadecimal digits.",
    ),
    "failed": (
        "文件中有无法检验的内容（{kind}）：不能视为完整。",
        "There is something in it that cannot be checked ({kind}): it does not count as whole.",
    ),
}
LANGUAGES = ("zh", "en")

#: What is found: its code, and what it is about.
Finding = tuple[str, Mapping[str, Any]]


def told(finding: Finding, language: str) -> str:
    """Return a finding in words."""
    code, about = finding
    words = WORDS[code][LANGUAGES.index(language)]
    return words.format(**{name: _visible(value) for name, value in about.items()})


def _visible(value: Any) -> Any:
    """Return a value without what could write over the screen."""
    return "".join(c if c.isprintable() else "?" for c in value)[:500] if isinstance(value, str) else value


# --- The check -------------------------------------------------------------------------------------------


class Bundle:
    """A bundle and what is found in it.

    Args:
        raw: its bytes.
        trusted: public keys of which one must have signed; empty where the reader compares fingerprints.
    """

    def __init__(self, raw: bytes, trusted: Sequence[bytes] = ()) -> None:
        self.faults: list[Finding] = []
        #: What is good to know, besides.
        self.notes: list[Finding] = []
        self._raw = raw
        self._trusted = list(trusted)
        self._parts: dict[str, bytes] = {}
        #: The part in which the file is cut off; "" where it is not.
        self._cut_in = ""
        self._manifest: dict[str, Any] = {}
        #: All lines that could be read, service by service.
        self._lines: list[dict[str, Any]] = []

    def check(self) -> bool:
        """Check everything, and return whether all is as it was signed."""
        steps: list[Callable[[], None]] = [self._archive, self._signature, self._digests, self._services, self._lists]
        for step in steps:
            try:
                step()
            except _UNREADABLE as error:
                self._fault("failed", kind=type(error).__name__)
            if not self._parts:
                break
        return not self.faults

    def _fault(self, code: str, **about: Any) -> None:
        if (code, about) not in self.faults:
            self.faults.append((code, about))

    def _note(self, code: str, **about: Any) -> None:
        if (code, about) not in self.notes:
            self.notes.append((code, about))

    # The archive

    def _archive(self) -> None:
        self._parts, self._cut_in = unpacked(self._raw)
        if not self._parts:
            self._fault("no_bundle")
        elif self._cut_in:
            self._fault("cut_off", at=len(self._raw), part=self._cut_in)
        elif (right := packed(self._parts)) != self._raw:
            at = next((n for n, (a, b) in enumerate(zip(right, self._raw)) if a != b), min(len(right), len(self._raw)))
            self._fault("archive", at=at, part=self._part_at(at))

    def _part_at(self, at: int) -> str:
        """Return the name of the part to which a byte belongs."""
        end = 0
        for name in sorted(self._parts):
            end += 30 + len(name.encode()) + len(self._parts[name])
            if at < end:
                return name
        return "zip"

    # The manifest

    def _signature(self) -> None:
        for part in (MANIFEST, SIGNATURE):
            if part not in self._parts:
                self._fault("no_manifest", part=part)
        try:
            manifest = json.loads(self._parts[MANIFEST])
            key = _hash(manifest["key"])
            if manifest["format"] != FORMAT or not isinstance(manifest["parts"], dict):
                raise ValueError("another format")
            [(_text(name), _text(about["sha256"]), _count(about["bytes"])) for name, about in manifest["parts"].items()]
            [(_text(name), _count(about["lines"])) for name, about in manifest["services"].items()]
            [_text(manifest[name]) for name in ("case", "made_at", "made_by", "content", "purpose", "reason")]
        except _UNREADABLE:
            if MANIFEST in self._parts:
                self._fault("manifest")
            return
        self._manifest = manifest
        signature, line_end, rest = self._parts.get(SIGNATURE, b"").decode("latin-1").partition("\n")
        signed = MANIFEST_CONTEXT + self._parts[MANIFEST]
        if not line_end or rest or not is_signed(key, signed, read_signature(signature)):
            self._fault("manifest_signature")
        self._about(manifest, key)

    def _about(self, manifest: Mapping[str, Any], key: bytes) -> None:
        self._note("about", case=manifest["case"], by=manifest["made_by"], at=manifest["made_at"])
        is_open = manifest["content"] != "closed"
        opened = {"purpose": manifest["purpose"], "reason": manifest["reason"]} if is_open else {}
        self._note("opened_for" if is_open else "closed", **opened)
        if key in self._trusted:
            self._note("key_named", fingerprint=fingerprint(key))
        elif self._trusted:
            self._fault("key", fingerprint=fingerprint(key))
        else:
            self._note("fingerprint", fingerprint=fingerprint(key))

    def _digests(self) -> None:
        wanted = self._manifest.get("parts", {})
        for name, about in wanted.items():
            content = self._parts.get(name)
            if content is None:
                self._fault("part_lost" if self._cut_in else "part_removed", part=name)
            elif hashlib.sha256(content).hexdigest() != about["sha256"]:
                cut = len(content) < about["bytes"] and not content.endswith(b"\n")
                sizes = {"wanted": about["bytes"], "found": len(content)} if cut else {}
                self._fault("part_cut" if cut else "part_changed", part=name, **sizes)
        for name in self._parts:
            if self._manifest and name not in wanted and name not in (MANIFEST, SIGNATURE):
                self._fault("part_added", part=name)
        if self._manifest and self._parts.get(KEY) not in (None, pem(bytes.fromhex(self._manifest["key"]))):
            self._fault("part_changed", part=KEY)

    # The journals

    def _services(self) -> None:
        named = self._manifest.get("services", {})
        there = {name[8:-7] for name in self._parts if name.startswith("journal/") and name.endswith(".ndjson")}
        for service in sorted({*there, *named}):
            if service in there or named[service]["lines"]:
                self._service(service)
            else:
                self._note("service_none", service=service)

    def _service(self, service: str) -> None:
        faults, anchors = len(self.faults), self._anchors(service)
        part = f"proofs/{service}.json"
        try:
            proofs = json.loads(self._parts[part])
            paths = {
                _count(row["event"]): (_count(row["anchor"]), [_hash(one) for one in row["path"]])
                for row in proofs["lines"]
            }
            growth = {(row["from"], row["to"]): [_hash(one) for one in row["path"]] for row in proofs["growth"]}
            counted = {name: _count(proofs["case"][name]) for name in ("index", "count", "last")}
            salt, path = _text(proofs["case"]["salt"]), [_hash(one) for one in proofs["case"]["path"]]
        except _UNREADABLE:
            if part in self._parts or part not in self._manifest.get("parts", {}):
                self._fault("proofs", part=part)
            return
        self._check_growth(service, anchors, growth)
        events = self._check_lines(service, anchors, paths)
        wanted = self._manifest.get("services", {}).get(service, {}).get("lines", 0)
        if self._manifest and wanted != len(events):
            self._fault("lines", service=service, wanted=wanted, found=len(events))
        if not anchors:
            self._fault("count_proof", service=service)
            return
        last = anchors[max(anchors)]
        leaf = leaf_hash(case_content(salt, self._manifest.get("case", ""), counted["count"], counted["last"]))
        if not is_included(leaf, counted["index"], last["cases"], path, bytes.fromhex(last["cases_root"])):
            self._fault("count_proof", service=service)
        elif counted["count"] != len(events) or counted["last"] != max(events, default=0):
            about = {"wanted": counted["count"], "last": counted["last"], "found": len(events)}
            self._fault("count", service=service, day=last["day"], **about)
        if len(self.faults) == faults:
            first = anchors[min(anchors)]["day"]
            about = {"first": first, "day": last["day"], "events": last["events"]}
            self._note("service", service=service, lines=len(events), **about)

    def _anchors(self, service: str) -> dict[int, dict[str, Any]]:
        """Return the anchors that are signed, by their numbers."""
        part, found, before = f"anchors/{service}.ndjson", {}, 0
        for place, raw in _numbered(self._parts.get(part, b"")):
            try:
                anchor = json.loads(raw)
                number, key = _count(anchor["number"]), _hash(anchor["key"])
                for name in ("root", "cases_root", "head", "previous"):
                    _hash(anchor[name])
                _count(anchor["events"]), _count(anchor["cases"]), _text(anchor["day"])
                signature = read_signature(anchor["signature"])
                if sorted(anchor) != sorted(ANCHOR) or anchor["service"] != service or canonical(anchor) != raw:
                    raise ValueError("another form")
            except _UNREADABLE:
                self._fault("unreadable", part=part, line=place)
                continue
            if not is_signed(key, anchor_content(anchor), signature):
                self._fault("anchor_signature", part=part, line=place)
                continue
            if number <= before:
                self._fault("anchor_order", part=part, line=place)
            before = number
            found[number] = anchor
            self._check_key(anchor, key)
            self._check_stamp(anchor, raw)
        return found

    def _check_key(self, anchor: Mapping[str, Any], key: bytes) -> None:
        about = {"service": anchor["service"], "fingerprint": fingerprint(key)}
        if self._trusted and key not in self._trusted:
            self._fault("anchor_key", **about)
        elif not self._trusted and key.hex() != self._manifest.get("key"):
            self._note("other_key", **about)

    def _check_stamp(self, anchor: Mapping[str, Any], raw: bytes) -> None:
        part = f"anchors/{anchor['service']}-{anchor['number']}.tst"
        if part not in self._parts:
            return
        try:
            imprint, time = stamp_of(self._parts[part])
        except _UNREADABLE:
            imprint, time = b"", ""
        if imprint != hashlib.sha256(raw).digest():
            self._fault("stamp", part=part)
        else:
            self._note("stamped", service=anchor["service"], day=anchor["day"], time=time)

    def _check_growth(self, service: str, anchors: Mapping[int, Any], growth: Mapping[Any, Sequence[bytes]]) -> None:
        numbers = sorted(anchors)
        for before, after in zip(numbers, numbers[1:]):
            one, other = anchors[before], anchors[after]
            roots = bytes.fromhex(one["root"]), bytes.fromhex(other["root"])
            path = growth.get((before, after))
            if path is None or not is_grown(one["events"], roots[0], other["events"], roots[1], path):
                self._fault("anchor_growth", service=service, day=other["day"], before=one["day"])

    def _check_lines(self, service: str, anchors: Mapping[int, Any], paths: Mapping[int, Any]) -> set[int]:
        """Check the lines of a journal one by one, then whether all are there; return the numbers of their events."""
        part, seen, before = f"journal/{service}.ndjson", set[int](), 0
        for place, raw in _numbered(self._parts.get(part, b"")):
            try:
                line = json.loads(raw)
                event, at = _count(line["event"]), {"part": part, "line": place}
                leaf = leaf_hash(line_content(line))
                if sorted(line) != sorted(LINE) or line["service"] != service:
                    raise ValueError("another form")
            except _UNREADABLE:
                self._fault("unreadable", part=part, line=place)
                continue
            if event in seen:
                self._fault("line_twice", event=event, **at)
            elif event < before:
                self._fault("line_order", event=event, before=before, **at)
            before = max(before, event)
            seen.add(event)
            self._lines.append(line)
            self._check_line(line, leaf, anchors, paths, at)
        self._check_all_there(part, seen, paths)
        return seen

    def _check_line(self, line: Mapping[str, Any], leaf: bytes, anchors: Any, paths: Any, at: Any) -> None:
        event = line["event"]
        if event not in paths:
            self._fault("line_added", event=event, **at)
            return
        number, path = paths[event]
        anchor = anchors.get(number)
        root = bytes.fromhex(anchor["root"]) if anchor else b""
        if anchor is None or not is_included(leaf, event - 1, anchor["events"], path, root):
            self._fault("line_changed", event=event, type=line["type"], day=anchor["day"] if anchor else "?", **at)
        elif line["case"] != self._manifest.get("case", line["case"]):
            self._fault("line_foreign", event=event, **at)

    def _check_all_there(self, part: str, seen: set[int], wanted: Iterable[int]) -> None:
        missing = sorted({*wanted} - seen)
        end = max(seen, default=0)
        for code, events in (
            ("line_removed", [event for event in missing if event < end]),
            ("line_cut", [event for event in missing if event > end]),
        ):
            if events:
                self._fault(code, part=part, events=", ".join(map(str, events[:20])) + (" …" if events[20:] else ""))

    # The lists

    def _lists(self) -> None:
        for name in VIEWS:
            if name in self._parts and self._parts[name] != _made(name, self._lines):
                self._fault("view", part=name)
        sealed = {(line["service"], line["event"]): line["sealed"] for line in self._lines}
        for part in sorted(self._parts):
            found = re.fullmatch(r"opened/([a-z]+)\.ndjson", part)
            if not found:
                continue
            self._note("opened_note")
            for place, raw in _numbered(self._parts[part]):
                try:
                    row = json.loads(raw)
                    fits = bool(row["sealed"]) and sealed.get((found[1], row["event"])) == row["sealed"]
                except _UNREADABLE:
                    fits = False
                if not fits:
                    self._fault("opened", part=part, line=place)


def _made(name: str, lines: Iterable[Mapping[str, Any]]) -> bytes:
    try:
        return view(name, lines)
    except _UNREADABLE:
        return b"unreadable"


def _numbered(part: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield the lines of a part with their numbers; what follows the last line break is a line, too."""
    for number, raw in enumerate(part.split(b"\n"), 1):
        if raw:
            yield number, raw


def _hash(value: Any) -> bytes:
    if not isinstance(value, str) or not _HASH.fullmatch(value):
        raise ValueError("no hash")
    return bytes.fromhex(value)


def _count(value: Any) -> int:
    if type(value) is not int or not 0 <= value < 2**53:
        raise ValueError("no number")
    return value


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError("no text")
    return value


# --- The program -----------------------------------------------------------------------------------------


def report(bundle: Bundle, language: str) -> Iterator[str]:
    """Yield what a person reads, line by line; `bundle` is checked."""
    for note in bundle.notes:
        yield told(note, language)
    for fault in bundle.faults:
        yield f"✗ {told(fault, language)}"
    yield told(("not_whole", {"count": len(bundle.faults)}) if bundle.faults else ("whole", {}), language)


def trusted_key(given: str) -> bytes:
    """Return the public key that stands in a file or on the command line.

    Raises:
        ValueError: there is none.
    """
    try:
        text = Path(given).read_text("ascii")
    except (OSError, ValueError):
        text = given
    try:
        return read_key(text)
    except (ValueError, binascii.Error):
        raise ValueError(given) from None


def main(arguments: Sequence[str] | None = None) -> int:
    """Check a bundle, say what is found, and return the exit code."""
    parser = argparse.ArgumentParser(description="Check an evidence bundle. 检验证据包。")
    parser.add_argument("file", metavar="FILE", help="the bundle 证据包")
    parser.add_argument(
        "--key",
        action="append",
        default=[],
        metavar="PUBKEY",
        help="the federation's public key: a PEM file, or 64 hexadecimal digits; again for older keys 妇联公钥",
    )
    parser.add_argument("--language", choices=LANGUAGES, default="zh", help="of what is said 语言")
    options = parser.parse_args(arguments)
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(encoding="utf-8", errors="replace")
    try:
        keys = [trusted_key(given) for given in options.key]
        raw = Path(options.file).read_bytes()
    except ValueError as error:
        sys.stderr.write(told(("no_key", {"key": str(error)}), options.language) + "\n")
        return 2
    except OSError:
        sys.stderr.write(told(("no_file", {"file": options.file}), options.language) + "\n")
        return 2
    bundle = Bundle(raw, keys)
    whole = bundle.check()
    sys.stdout.write("".join(f"{line}\n" for line in report(bundle, options.language)))
    return 0 if whole else 1


if __name__ == "__main__":
    sys.exit(main())
