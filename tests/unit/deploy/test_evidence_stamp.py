"""Anchors are stamped by an authority, and the stamp is checked as far as the standard library can."""

import contextlib
import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from deploy.evidence import verify_bundle as form
from deploy.evidence.anchor import Anchor
from deploy.evidence.stamp import Authority, request, token_of
from deploy.evidence.verify_bundle import stamp_of
from deploy.problem import Problem
from tests.support.authority import ToyAuthority
from tests.support.evidence import SIGNER, found, house, made, packed_again, parts_of, said

DIGEST = hashlib.sha256(b"an anchor").digest()
NONCE = bytes(range(0x81, 0x89))


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ToyAuthority]:
    folder: Path = tmp_path_factory.mktemp("tsa")
    with ToyAuthority(folder) as toy:
        yield toy


@pytest.fixture(autouse=True)
def _well(authority: ToyAuthority) -> Iterator[None]:
    yield
    # afterwards, as `stamped` asks it before anything of the next test runs
    authority.instead = None


def test_a_stamp_is_one_for_openssl_too(authority: ToyAuthority) -> None:
    token = Authority(authority.url).stamp(DIGEST)

    assert authority.accepts(token, DIGEST)
    assert not authority.accepts(token, hashlib.sha256(b"another").digest())
    imprint, time = stamp_of(token)
    assert imprint == DIGEST
    assert time.endswith(" UTC")
    assert authority.asked[-1][0] == "application/timestamp-query"


@pytest.mark.parametrize("nonce", [NONCE, bytes(8), b"\0" * 7 + b"\1", b"\0\x80" + bytes(6), b"\x7f" + bytes(7)])
def test_any_nonce_makes_a_query(authority: ToyAuthority, nonce: bytes) -> None:
    response = authority.reply(request(DIGEST, nonce))

    assert authority.accepts(token_of(response, DIGEST, nonce), DIGEST)
    with pytest.raises(ValueError):
        token_of(response, DIGEST, b"\x55" * 8)
    with pytest.raises(ValueError):
        token_of(response, bytes(32), nonce)


def test_what_is_no_stamp_is_refused(authority: ToyAuthority) -> None:
    good = authority.reply(request(DIGEST, NONCE))
    refused = bytes.fromhex("30053003020102")
    for status, body in ((503, b""), (200, b""), (200, b"<html>"), (200, refused), (200, good), (200, good[:-9])):
        authority.instead = (status, body)
        with pytest.raises(Problem, match=r"the time-stamping authority answers .*; correct NIANGJIA_TSA_URL"):
            Authority(authority.url).stamp(DIGEST)
    for url in ("http://127.0.0.1:1/", "http://nowhere.invalid/", "http://[/"):
        with pytest.raises(Problem, match="does not answer"):
            Authority(url).stamp(DIGEST)


@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_damaged_stamp_is_an_error_and_no_other(authority: ToyAuthority, data: st.DataObject) -> None:
    token = bytearray(authority.reply(request(DIGEST, NONCE)))
    for _ in range(data.draw(st.integers(1, 4))):
        token[data.draw(st.integers(0, 120))] = data.draw(st.integers(0, 255))
    with contextlib.suppress(ValueError, IndexError):
        stamp_of(bytes(token))


@pytest.fixture(scope="module")
def stamped(authority: ToyAuthority) -> bytes:
    journals = house()
    journal = journals["intake"]
    journal.anchors = [Anchor(anchor.line, Authority(authority.url).stamp(anchor.digest)) for anchor in journal.anchors]
    return made(journals)


def test_a_bundle_carries_the_stamps_of_its_anchors(stamped: bytes) -> None:
    assert found(stamped, SIGNER.public) == []
    assert "intake: the anchor of 2026-03-05 is stamped 2" in said(stamped)
    assert "时间戳机构的证书未经检验" in said(stamped, language="zh")
    assert [name for name in parts_of(stamped) if name.endswith(".tst")] == [
        f"anchors/intake-{number}.tst" for number in (1, 2, 4)
    ]


def test_a_stamp_for_another_anchor_is_found(stamped: bytes) -> None:
    parts = parts_of(stamped)
    first, second = parts["anchors/intake-1.tst"], parts["anchors/intake-2.tst"]

    for other in (second, b"", first[:-400], first[:40]):
        codes = found(packed_again({**parts, "anchors/intake-1.tst": other}, SIGNER))
        assert codes == ["stamp"]
    flipped = bytearray(first)
    flipped[-1] ^= 1
    assert "part_changed" in found(form.packed({**parts, "anchors/intake-1.tst": bytes(flipped)}))
