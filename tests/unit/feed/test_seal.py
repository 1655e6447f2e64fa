"""Identity is sealed so that only the agency's own key opens it, and only to keys that are worth it."""

from typing import Any

import orjson
import pytest
from jwcrypto.jwe import JWE
from jwcrypto.jwk import JWK

from services.feed.seal import UnusableKey, seal, usable

FIELDS = {"client": {"name": "王某", "phone": "13800000001"}, "narrative": None}


def public(**kind: Any) -> tuple[JWK, dict[str, Any]]:
    key = JWK.generate(**kind)
    return key, key.export_public(as_dict=True)


@pytest.mark.parametrize(
    "kind",
    [
        {"kty": "EC", "crv": "P-256"},
        {"kty": "EC", "crv": "P-521"},
        {"kty": "OKP", "crv": "X25519"},
        {"kty": "RSA", "size": 2048},
    ],
)
def test_its_owner_opens_it_and_nobody_else(kind: dict[str, Any]) -> None:
    key, shown = public(**kind, kid="2026")
    sealed = seal(usable(shown), FIELDS)
    assert "13800000001" not in sealed
    opened = JWE()
    opened.deserialize(sealed, key)
    assert orjson.loads(opened.payload) == FIELDS
    assert opened.jose_header["kid"] == "2026"
    with pytest.raises(Exception, match="No recipient matched"):
        JWE().deserialize(sealed, JWK.generate(**kind))


def test_the_same_is_sealed_differently_each_time() -> None:
    _, shown = public(kty="EC", crv="P-256")
    assert seal(shown, FIELDS) != seal(shown, FIELDS)


@pytest.mark.parametrize(
    ("key", "reason"),
    [
        (JWK.generate(kty="EC", crv="P-256").export(as_dict=True), "private part"),
        (JWK.generate(kty="RSA", size=1024).export_public(as_dict=True), "shorter than 2048"),
        (JWK.generate(kty="OKP", crv="Ed25519").export_public(as_dict=True), "nothing can be sealed"),
        (JWK.generate(kty="oct", size=256).export(as_dict=True), "no public key|private part"),
        ({}, "no public key"),
        ({"kty": "EC"}, "no public key"),
        ({"kty": "EC", "crv": "P-256", "x": "1", "y": "2"}, "no public key"),
        ({"x": []}, "no public key"),
    ],
)
def test_what_is_no_key_is_refused(key: dict[str, Any], reason: str) -> None:
    with pytest.raises(UnusableKey, match=reason):
        usable(key)
