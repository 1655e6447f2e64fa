"""Identity sealed to an agency's own public key: a JWE that travels with the delivery, for who cannot ask for it."""

from collections.abc import Mapping
from typing import Any, Final

import orjson
from jwcrypto.common import JWException
from jwcrypto.jwe import JWE
from jwcrypto.jwk import JWK

#: By the type of the key: how the content's key is wrapped (RFC 7518, 4.1).
_WRAPPING: Final = {"EC": "ECDH-ES+A256KW", "OKP": "ECDH-ES+A256KW", "RSA": "RSA-OAEP-256"}
_CURVES: Final = frozenset({"P-256", "P-384", "P-521", "X25519", "X448"})
_CONTENT: Final = "A256GCM"
_RSA_BITS: Final = 2048


class UnusableKey(ValueError):
    """Nothing can be sealed to this key; the text says why."""


def usable(key: Mapping[str, Any]) -> dict[str, Any]:
    """Return a public key (JWK, RFC 7517) to which can be sealed, without what belongs to a private one.

    Raises:
        UnusableKey: it is none.
    """
    try:
        read = JWK(**key)
        if read.has_private:
            raise UnusableKey("holds the private part, which nobody but the agency may have: send the public key")
        public: dict[str, Any] = read.export_public(as_dict=True)
        seal(public, {})
    except (JWException, ValueError, TypeError, LookupError) as error:
        if isinstance(error, UnusableKey):
            raise
        raise UnusableKey("is no public key (JWK) of type EC, OKP (X25519) or RSA") from None
    return public


def seal(key: Mapping[str, Any], fields: Mapping[str, Any]) -> str:
    """Return what only the owner of a key can read, in the compact form of a JWE."""
    read = JWK(**key)
    _check(read)
    header = {"alg": _WRAPPING[read["kty"]], "enc": _CONTENT, "cty": "application/json"}
    if kid := key.get("kid"):
        header["kid"] = kid
    sealed = JWE(orjson.dumps(fields), protected=header)
    sealed.add_recipient(read)
    return str(sealed.serialize(compact=True))


def _check(key: JWK) -> None:
    kind = key["kty"]
    if kind not in _WRAPPING:
        raise UnusableKey(f"is of type {kind}; use EC, OKP (X25519) or RSA")
    if kind in {"EC", "OKP"} and key["crv"] not in _CURVES:
        raise UnusableKey(f"has a curve to which nothing can be sealed; use one of {', '.join(sorted(_CURVES))}")
    if kind == "RSA" and key.get_op_key("wrapKey").key_size < _RSA_BITS:
        raise UnusableKey(f"is shorter than {_RSA_BITS} bits")
