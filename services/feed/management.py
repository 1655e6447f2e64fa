"""RabbitMQ's management HTTP API, asked by one who may do everything there; no secret goes into a message."""

from http import HTTPStatus
from typing import Any
from urllib.parse import quote, unquote, urlsplit

import requests

from shared.runtime.unavailable import Unavailable

#: Seconds to wait for a connection, and for an answer.
_TIMEOUT = (3, 10)
_USUAL_PORT = 15672
_REFUSALS = frozenset({HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN})


class NotAdministrator(Exception):
    """The broker does not let us make users and streams; the same again will not do."""


class Management:
    """The API of one broker.

    Args:
        address: of the API, with user and password; "" stands for the user of `amqp_uri` at the usual port.
        amqp_uri: of the broker.
    """

    def __init__(self, address: str, amqp_uri: str) -> None:
        parts = urlsplit(address or _usual(amqp_uri))
        self.user = unquote(parts.username or "guest")
        self._url = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path.rstrip('/')}/api/"
        self._session = requests.Session()
        self._session.trust_env = False  # neither a proxy nor a login of the environment is meant
        self._session.auth = (self.user, unquote(parts.password or "guest"))

    def get(self, *path: str) -> Any:
        """Return what is there, or None where nothing is."""
        answer = self._ask("GET", path)
        return None if answer.status_code == HTTPStatus.NOT_FOUND else answer.json()

    def put(self, *path: str, **content: Any) -> bool:
        """Make something what it should be; tell whether it was not there before."""
        return self._ask("PUT", path, content).status_code == HTTPStatus.CREATED

    def post(self, *path: str, **content: Any) -> None:
        """Add something."""
        self._ask("POST", path, content)

    def delete(self, *path: str, why: str = "") -> bool:
        """Remove something; tell whether it was there. Who loses a connection is told why."""
        answer = self._ask("DELETE", path, headers={"X-Reason": why} if why else None)
        return answer.status_code != HTTPStatus.NOT_FOUND

    def _ask(
        self, method: str, path: tuple[str, ...], content: Any = None, headers: dict[str, str] | None = None
    ) -> requests.Response:
        url = self._url + "/".join(quote(part, safe="") for part in path)
        try:
            answer = self._session.request(
                method, url, json=content, headers=headers, timeout=_TIMEOUT, allow_redirects=False
            )
        except requests.RequestException as error:
            raise Unavailable(
                f"the broker's management API does not answer ({type(error).__name__}); "
                "enable rabbitmq_management there, or correct NIANGJIA_BROKER_API"
            ) from None
        if answer.status_code in _REFUSALS:
            raise NotAdministrator(
                f"the broker's management API refuses our user with {answer.status_code}; "
                "give the user of NIANGJIA_BROKER_API the tag administrator, or name another"
            )
        missing = answer.status_code == HTTPStatus.NOT_FOUND and method in {"GET", "DELETE"}
        if not (missing or answer.ok):
            raise Unavailable(f"the broker's management API answers {answer.status_code} to {method} {path[0]}")
        return answer


def _usual(amqp_uri: str) -> str:
    parts = urlsplit(amqp_uri)
    login, _, _ = parts.netloc.rpartition("@")
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
    return f"http://{login or 'guest:guest'}@{host}:{_USUAL_PORT}"
