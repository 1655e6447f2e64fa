"""A small HTTP client for the services: finds them, brings a token, waits while one is being restarted.

What it sends may be sent twice: every command of the services is known again by its own key.
"""

import time
from collections.abc import Mapping
from http import HTTPStatus
from types import TracebackType
from typing import Any, Self

import orjson
import requests

from deploy.home import Home
from deploy.problem import Problem
from shared.runtime.auth import Bearer, Role, issue

JSON = "application/json"
NDJSON = "application/x-ndjson"

_TOKEN_SECONDS = 900
_RENEW_BEFORE_SECONDS = 60
_TIMEOUT_SECONDS = 60
#: Pause between two tries while a service is away.
_PAUSE_SECONDS = 0.5


class ServiceClient:
    """Asks one service of a home.

    Args:
        home: knows where the service answers, and the key for tokens.
        service: its name.
        role: what the bearer of the token is.
        name: who that is.
        patience: seconds to go on trying while the service is away (restarted, or without its database).
    """

    def __init__(
        self, home: Home, service: str, *, role: Role = Role.ADMIN, name: str = "niangjia", patience: float = 60
    ) -> None:
        self._home = home
        self._service = service
        self._url = home.service_url(service)
        self._bearer = Bearer(name=name, role=role)
        self._patience = patience
        self._session = requests.Session()
        # no proxy of the environment stands between the services and their own command line
        self._session.trust_env = False
        self._current, self._renew_at = "", 0.0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._session.close()

    def get(self, path: str, **query: str | int) -> Any:
        """Return the JSON that a path answers.

        Raises:
            Problem: it refuses, or is away for longer than the patience lasts.
        """
        return self._well(self.ask("GET", path, query=query)).json()

    def post(self, path: str, content: Any = None) -> Any:
        """Send JSON and return the JSON that comes back.

        Raises:
            Problem: it refuses, or is away for longer than the patience lasts.
        """
        body = b"" if content is None else orjson.dumps(content)
        return self._well(self.ask("POST", path, body=body)).json()

    def ask(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str | int] | None = None,
        body: bytes = b"",
        content_type: str = JSON,
    ) -> requests.Response:
        """Return the answer, whatever its status, as soon as the service is not away.

        Raises:
            Problem: it is away for longer than the patience lasts.
        """
        deadline = time.monotonic() + self._patience
        while True:
            try:
                answer = self._session.request(
                    method,
                    f"{self._url}{path}",
                    params=query,
                    data=body or None,
                    headers={"Authorization": f"Bearer {self._token()}", "Content-Type": content_type},
                    timeout=_TIMEOUT_SECONDS,
                )
                if answer.status_code != HTTPStatus.SERVICE_UNAVAILABLE:
                    return answer
                wrong = f"{self._service} cannot answer now ({_detail(answer)})"
            except requests.RequestException:
                wrong = f"{self._service} does not answer at {self._url}"
            if time.monotonic() >= deadline:
                raise Problem(wrong, "see `niangjia doctor`")
            time.sleep(_PAUSE_SECONDS)

    def _well(self, answer: requests.Response) -> requests.Response:
        if answer.ok:
            return answer
        raise Problem(f"{self._service} refuses with {answer.status_code} ({_detail(answer)})", "see `niangjia doctor`")

    def _token(self) -> str:
        if time.monotonic() >= self._renew_at:
            self._current = issue(self._home.key("token"), self._bearer, _TOKEN_SECONDS)
            self._renew_at = time.monotonic() + _TOKEN_SECONDS - _RENEW_BEFORE_SECONDS
        return self._current


def _detail(answer: requests.Response) -> str:
    try:
        content = answer.json()
    except ValueError:
        return answer.reason
    return str(content.get("detail") or answer.reason) if isinstance(content, dict) else answer.reason
