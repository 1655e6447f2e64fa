"""The public key of an agency, to which identity is sealed for it: read from a file, JWK or PEM."""

from pathlib import Path
from typing import Any

from jwcrypto.common import JWException, json_decode
from jwcrypto.jwk import JWK

from deploy.problem import Problem

_LARGEST_BYTES = 100_000
_REMEDY = "give the agency's public key as a JWK or in PEM: EC P-256, or RSA with 2048 bits or more"


def read(path: Path) -> dict[str, Any]:
    """Return the key in a file as a JWK.

    Raises:
        Problem: it holds no key, or a private one, which the agency must keep for itself.
    """
    try:
        with path.open("rb") as file:
            raw = file.read(_LARGEST_BYTES).strip()
    except OSError as error:
        raise Problem(f"{path} cannot be read ({error.strerror})", _REMEDY, exit_code=2) from None
    try:
        key = JWK(**json_decode(raw)) if raw.startswith(b"{") else JWK.from_pem(raw)
        is_public = key.has_public and not key.has_private
    except (JWException, KeyError, TypeError, ValueError):
        raise Problem(f"{path} holds no key", _REMEDY, exit_code=2) from None
    if not is_public:
        raise Problem(f"{path} holds a secret key, which only the agency may have", _REMEDY, exit_code=2)
    found: dict[str, Any] = key.export_public(as_dict=True)
    return found
