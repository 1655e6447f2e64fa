"""Another service of the house, asked over HTTP by one of its own."""

import time
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import requests

from shared.runtime.auth import Bearer, Role, issue
from shared.runtime.unavailable import Unavailable

#: Seconds to wait for an answer.
TIMEOUT = 10
#: Seconds that a token of ours is good.
TOKEN_SECONDS = 3_600
#: Answers that mean: the question itself is wrong, and will be wrong again.
_MISUNDERSTOOD = frozenset({HTTPStatus.BAD_REQUEST, HTTPStatus.UNPROCESSABLE_ENTITY})


class Misunderstood(Exception):
    """The other service does not take what it was asked; the same again will not do either."""


class Colleague:
    """One other service.

    Args:
        name: of the service that is asked.
        url: where it answers.
        asker: name of the service that asks.
        key: with which tokens are signed.
    """

    def __init__(self, name: str, url: str, *, asker: str, key: bytes) -> None:
        self._name = name
        self._url = url
        self._asker = asker
        self._key = key
        self._session = requests.Session()
        self._session.trust_env = False  # a service of the house is never behind a proxy
        self._renew_at = 0.0

    def post(self, path: str, content: Mapping[str, Any]) -> Any:
        """Send JSON and return the JSON that comes back.

        Raises:
            Unavailable: no answer came, or one that only another moment can better.
            Misunderstood: the question is wrong.
        """
        if time.monotonic() > self._renew_at:
            token = issue(self._key, Bearer(name=self._asker, role=Role.SERVICE), TOKEN_SECONDS)
            self._session.headers["Authorization"] = f"Bearer {token}"
            self._renew_at = time.monotonic() + TOKEN_SECONDS / 2
        try:
            response = self._session.post(self._url + path, json=content, timeout=TIMEOUT)
            if response.status_code in _MISUNDERSTOOD:
                raise Misunderstood(f"{path} answers {response.status_code}")
            response.raise_for_status()
            return response.json()
        except requests.RequestException as error:
            raise Unavailable(f"{self._name} does not answer ({type(error).__name__})") from error
