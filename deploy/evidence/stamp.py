"""Stamps by a time-stamping authority (RFC 3161): that something was there at a time that somebody else says."""

import secrets

import requests

from deploy.evidence.verify_bundle import der, stamp_of
from deploy.problem import Problem

_SECONDS = 30
_GRANTED = {0, 1}
_SEQUENCE, _INTEGER, _OCTETS, _TRUE = 0x30, 0x02, 0x04, bytes([0x01, 0x01, 0xFF])
#: SHA-256, without parameters.
_ALGORITHM = bytes.fromhex("300d06096086480165030402010500")


class Authority:
    """An authority that answers over HTTP."""

    def __init__(self, url: str) -> None:
        self._url = url

    def stamp(self, digest: bytes) -> bytes:
        """Return the token (DER) with which the authority stamps a SHA-256.

        Its imprint and its nonce are checked; its certificate is for whoever relies on it.

        Raises:
            Problem: the authority does not answer, or refuses.
        """
        nonce = secrets.token_bytes(8)
        try:
            answer = requests.post(
                self._url,
                data=request(digest, nonce),
                headers={"Content-Type": "application/timestamp-query"},
                timeout=_SECONDS,
            )
        except (requests.RequestException, ValueError):
            raise _problem("does not answer") from None
        if not answer.ok:
            raise _problem(f"answers {answer.status_code}")
        try:
            return token_of(answer.content, digest, nonce)
        except (ValueError, IndexError, TypeError):
            raise _problem("answers something else than a stamp for this anchor") from None


def request(digest: bytes, nonce: bytes) -> bytes:
    """Return the query for a stamp, which asks for the certificate too."""
    imprint = _element(_SEQUENCE, _ALGORITHM + _element(_OCTETS, digest))
    number = _element(_INTEGER, b"\0" + nonce if nonce[0] & 0x80 else nonce.lstrip(b"\0") or b"\0")
    return _element(_SEQUENCE, _element(_INTEGER, b"\1") + imprint + number + _TRUE)


def token_of(response: bytes, digest: bytes, nonce: bytes) -> bytes:
    """Return the token in a response.

    Raises:
        ValueError: it was refused, or is for something else.
    """
    (_, inner), *_ = der(response)
    (_, status), *rest = der(inner)
    if int.from_bytes(der(status)[0][1], "big") not in _GRANTED or not rest:
        raise ValueError("refused")
    token = _element(*rest[0])
    imprint, _ = stamp_of(token)
    number = int.from_bytes(nonce, "big")
    if imprint != digest or number not in _integers(token):
        raise ValueError("for something else")
    return token


def _integers(token: bytes) -> list[int]:
    """Return the whole numbers of what a token says, its nonce among them."""
    signed = der(der(der(token)[0][1])[1][1])[0][1]
    content = der(der(der(signed)[2][1])[1][1])[0][1]
    return [int.from_bytes(value, "big") for tag, value in der(der(content)[0][1]) if tag == _INTEGER]


def _element(tag: int, content: bytes) -> bytes:
    length = len(content)
    if length < 0x80:
        return bytes([tag, length]) + content
    octets = length.to_bytes((length.bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(octets)]) + octets + content


def _problem(what: str) -> Problem:
    return Problem(f"the time-stamping authority {what}", "correct NIANGJIA_TSA_URL, or try again later")
