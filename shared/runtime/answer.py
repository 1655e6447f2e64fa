"""What a service method is asked over HTTP, and what it gives back."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

import orjson

from shared.runtime.auth import Bearer
from shared.runtime.contract import JSON
from shared.runtime.response import Parts


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What a service method needs of a request."""

    bearer: Bearer
    body: bytes
    query: Mapping[str, str]
    #: The header `Last-Event-ID`: where a stream broke off, as the client says.
    last_event_id: str = ""
    #: The headers `Accept` and `Accept-Language`.
    accept: str = ""
    accept_language: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What goes back: a JSON value, or bytes with their content type, or a stream of bytes."""

    status: HTTPStatus = HTTPStatus.OK
    content: Any = None
    body: bytes | None = None
    #: Made while it is sent, by the thread of the connection; the worker is free again.
    stream: Parts | None = None
    content_type: str = JSON
    headers: Mapping[str, str] = field(default_factory=dict)

    def encoded(self) -> bytes:
        """Return the body as it is sent."""
        return orjson.dumps(self.content) if self.body is None else self.body
