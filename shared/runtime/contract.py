"""What goes in and comes out at an endpoint, as far as a client has to know; the reference is made of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus

from shared.runtime.form import Form

JSON = "application/json"
NDJSON = "application/x-ndjson"


@dataclass(frozen=True, slots=True, kw_only=True)
class Contract:
    """What one endpoint takes and answers. What every endpoint refuses need not be said."""

    #: The body.
    takes: type[Form] | None = None
    #: What may stand after the question mark of the address.
    query: type[Form] | None = None
    #: Headers that count, besides those that count everywhere, and what they are about.
    headers: Mapping[str, str] = field(default_factory=dict)
    #: What comes back; None where it is no JSON.
    answers: type[Form] | None = None
    #: Many at once: one JSON object a line, and one answer a line.
    lines: bool = False
    #: Content type of the answer.
    content_type: str = JSON
    #: Statuses with which that comes back.
    statuses: tuple[HTTPStatus, ...] = (HTTPStatus.OK,)
    #: What the rules may refuse, besides what is wrong with the form.
    refuses: Mapping[HTTPStatus, str] = field(default_factory=dict)
