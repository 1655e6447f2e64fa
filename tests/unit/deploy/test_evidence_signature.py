"""The verifier's own Ed25519 says what RFC 8032 and a well-tried library say."""

import hashlib

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_public_key
from hypothesis import given, settings
from hypothesis import strategies as st

from deploy.evidence.signer import Signer
from deploy.evidence.verify_bundle import fingerprint, is_signed, pem, read_key

ORDER = 2**252 + 27742317777372353535851937790883648493

#: RFC 8032, 7.1: secret key, public key, message, signature.
VECTORS = [
    (
        "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "",
        (
            "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24"
            "655141438e7a100b"
        ),
    ),
    (
        "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        "72",
        (
            "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aee"
            "b00d291612bb0c00"
        ),
    ),
    (
        "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
        "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
        "af82",
        (
            "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28d"
            "c027beceea1ec40a"
        ),
    ),
]


@pytest.mark.parametrize(("secret", "public", "message", "signature"), VECTORS)
def test_the_vectors_of_the_rfc(secret: str, public: str, message: str, signature: str) -> None:
    key, content, signed = bytes.fromhex(public), bytes.fromhex(message), bytes.fromhex(signature)

    assert Signer(bytes.fromhex(secret)).public == key
    assert Signer(bytes.fromhex(secret)).sign(content) == signature
    assert is_signed(key, content, signed)
    assert not is_signed(key, content + b"x", signed)


@settings(max_examples=40)
@given(secret=st.binary(min_size=32, max_size=32), message=st.binary(max_size=200), data=st.data())
def test_it_agrees_with_the_library(secret: bytes, message: bytes, data: st.DataObject) -> None:
    private = Ed25519PrivateKey.from_private_bytes(secret)
    public = private.public_key().public_bytes_raw()
    signature = bytearray(private.sign(message))
    assert is_signed(public, message, bytes(signature))

    signature[data.draw(st.integers(0, 63))] ^= 1 << data.draw(st.integers(0, 7))
    assert not is_signed(public, message, bytes(signature))
    other = bytearray(public)
    other[data.draw(st.integers(0, 31))] ^= 1 << data.draw(st.integers(0, 7))
    assert is_signed(bytes(other), message, private.sign(message)) is by_library(
        bytes(other), message, private.sign(message)
    )


def by_library(key: bytes, message: bytes, signature: bytes) -> bool:
    try:
        Ed25519PublicKey.from_public_bytes(key).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True


def test_a_signature_has_one_form_only() -> None:
    signer = Signer(hashlib.sha256(b"key").digest())
    signature = bytes.fromhex(signer.sign(b"message"))
    larger = int.from_bytes(signature[32:], "little") + ORDER
    assert larger < 2**256

    assert is_signed(signer.public, b"message", signature)
    assert not is_signed(signer.public, b"message", signature[:32] + larger.to_bytes(32, "little"))
    for length in (0, 1, 63, 65):
        assert not is_signed(signer.public, b"message", (signature + b"\0")[:length])
    for key in (b"", signer.public[:31], signer.public + b"\0", b"\xff" * 32, b"\xee" + b"\xff" * 30 + b"\x7f"):
        assert not is_signed(key, b"message", signature)


def test_a_public_key_is_read_as_others_write_it() -> None:
    signer = Signer(bytes(32))
    theirs = Ed25519PublicKey.from_public_bytes(signer.public).public_bytes(
        Encoding.PEM, PublicFormat.SubjectPublicKeyInfo
    )

    assert pem(signer.public) == theirs
    assert load_pem_public_key(pem(signer.public)).public_bytes_raw() == signer.public  # type: ignore[union-attr]
    assert read_key(theirs.decode()) == read_key(signer.public.hex()) == read_key(f" {signer.public.hex().upper()}\n")
    for wrong in ("", "ab" * 31, "xy" * 32, theirs.decode().replace("MCow", "MCox"), theirs.decode()[:-40]):
        with pytest.raises(ValueError):
            read_key(wrong)
    assert fingerprint(signer.public).replace(" ", "") == hashlib.sha256(signer.public).hexdigest()
