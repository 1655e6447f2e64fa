"""Asks the service of this container whether it is well; exits with 0 when it is, else says what is wrong.

Runs every few seconds in every container, as a file and without `site`, so it stands alone: importing a library
would cost more than the question.
"""

import base64
import hashlib
import hmac
import json
import os
import ssl
import sys
import time
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from pathlib import Path

#: Tokens change once in this time: services remember those that they have checked.
_TOKEN_SECONDS = 3600
_TIMEOUT_SECONDS = 4


def main() -> int:
    """Ask, and return the exit code."""
    try:
        key = bytes.fromhex(Path(os.environ["NIANGJIA_SECRETS"], "token.key").read_text(encoding="ascii"))
        secure = bool(os.environ.get("NIANGJIA_HTTP_CERTIFICATE", "").strip())
        wrong = trouble(int(os.environ["NIANGJIA_HTTP_PORT"]), token(key, int(time.time())), secure=secure)
    except (KeyError, OSError, ValueError) as error:
        wrong = f"cannot ask ({type(error).__name__}: {error})"
    if wrong:
        sys.stdout.write(f"{wrong}\n")
    return 1 if wrong else 0


def trouble(port: int, bearer: str, *, secure: bool = False) -> str:
    """Say why the service on a port of this machine is not well; "" when it is."""
    connection = _secured(port) if secure else HTTPConnection("127.0.0.1", port, timeout=_TIMEOUT_SECONDS)
    try:
        connection.request("GET", "/health", headers={"Authorization": f"Bearer {bearer}"})
        answer = connection.getresponse()
        content = answer.read().decode()
    except (OSError, HTTPException) as error:
        return f"nothing answers ({type(error).__name__})"
    finally:
        connection.close()
    return "" if answer.status == 200 else f"{answer.status} {content}"


def _secured(port: int) -> HTTPConnection:
    # the certificate is for the name by which others come; the container asks itself, and nobody is between
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return HTTPSConnection("127.0.0.1", port, timeout=_TIMEOUT_SECONDS, context=context)


def token(key: bytes, now: int) -> str:
    """Return a bearer token of the service itself, as `shared.runtime.auth.issue` would make it."""
    expiry = (now // _TOKEN_SECONDS + 2) * _TOKEN_SECONDS
    claims = {"sub": "health", "role": "service", "exp": expiry}
    signed = f"{_packed({'alg': 'HS256', 'typ': 'JWT'})}.{_packed(claims)}"
    return f"{signed}.{_base64(hmac.digest(key, signed.encode(), hashlib.sha256))}"


def _packed(value: dict[str, object]) -> str:
    return _base64(json.dumps(value, separators=(",", ":")).encode())


def _base64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


if __name__ == "__main__":
    sys.exit(main())
