"""A request while it arrives: what its head may say, and how large it may grow."""

from dataclasses import dataclass, field
from http import HTTPStatus
from urllib.parse import unquote

#: Bytes that a request may carry.
MAX_BODY = 16 * 1024 * 1024
#: Bytes of address and headers.
MAX_HEAD = 32 * 1024
#: Bytes of a body that are taken before anybody looks who sends them.
UNASKED = 64 * 1024
#: Requests that a client may send before the first is answered.
MAX_PIPELINED = 64


class Refused(Exception):
    """The connection cannot go on."""

    def __init__(self, status: HTTPStatus, detail: str) -> None:
        super().__init__(detail)
        self.status = status


@dataclass(slots=True, kw_only=True)
class Head:
    """What a request says before its body."""

    method: str
    path: str
    query: str = ""
    authorization: str | None = None
    #: The last event that a client has of a stream which broke off, as it was told.
    last_event_id: str = ""
    #: Which forms and languages the client likes best, as it says.
    accept: str = ""
    accept_language: str = ""
    #: The client understands an answer in chunks.
    chunks: bool = True
    #: The connection ends with this request.
    last: bool = False


@dataclass(slots=True)
class Draft:
    """The parts of a request that have come.

    Its methods raise `Refused` for what proxies and servers could understand differently, and for what is too large;
    always as the fault of the client: a status from 500 means here that something is wrong with the service.
    """

    #: When it began, by the monotonic clock; None before its first byte.
    began: float | None = None
    has_head: bool = False
    #: The client waits for a word before it sends the body.
    expects: bool = False
    _url: bytes = b""
    _head_length: int = 0
    _hosts: int = 0
    _authorization: bytes | None = None
    #: Headers that are passed on as they are; one that is repeated, as a list.
    _kept: dict[bytes, bytes] = field(default_factory=dict)
    _chunks: bool = True
    _announced: int = 0
    _chunked: bool = False
    _length: int = 0
    _body: list[bytes] = field(default_factory=list)

    def add_url(self, url: bytes) -> None:
        """A part of the address has come."""
        self._url += url
        self._limit_head(len(url))

    def add_header(self, name: bytes, value: bytes) -> None:
        """A header has come; or, after a body in chunks, a trailer, which counts for nothing."""
        self._limit_head(len(name) + len(value))
        if self.has_head:
            return
        match name.lower():
            case b"host":
                self._hosts += 1
            case b"content-length":
                self._announced = int(value)
            case b"transfer-encoding":
                self._chunked = True
                if value.strip().lower() != b"chunked":
                    raise Refused(HTTPStatus.BAD_REQUEST, "of transfer codings only 'chunked' is understood here")
            case b"authorization":
                if self._authorization is not None:
                    raise Refused(HTTPStatus.BAD_REQUEST, "there are two headers 'Authorization'; send one")
                self._authorization = value
            case b"last-event-id" | b"accept" | b"accept-language" as kept:
                self._kept[kept] = b",".join(filter(None, (self._kept.get(kept), value)))
            case b"expect":
                self.expects = value.strip().lower() == b"100-continue"

    def close_head(self, version: str, *, upgrade: bool) -> None:
        """The head is whole."""
        self.has_head = True
        if version not in {"1.0", "1.1"}:
            raise Refused(HTTPStatus.BAD_REQUEST, "HTTP/1.1 is spoken here")
        self._chunks = version == "1.1"
        if self._hosts > 1 or (version == "1.1" and not self._hosts):
            raise Refused(HTTPStatus.BAD_REQUEST, "send one header 'Host'")
        if upgrade and (self._chunked or self._announced):
            # the parser takes what follows for the other protocol
            raise Refused(HTTPStatus.BAD_REQUEST, "HTTP/1.1 is spoken here; send the request without 'Upgrade'")
        if self._announced > MAX_BODY:
            raise self._too_large()

    def add_body(self, data: bytes) -> None:
        """A part of the body has come."""
        self._length += len(data)
        if self._length > MAX_BODY:
            raise self._too_large()
        self._body.append(data)

    @property
    def is_large(self) -> bool:
        """Whether so much body is announced (or may come) that its sender should be known first."""
        return self._chunked or self._announced > UNASKED

    @property
    def body(self) -> bytes:
        """The body as far as it has come."""
        return b"".join(self._body)

    def head(self, method: bytes, *, last: bool) -> Head:
        """Return the head once it is whole."""
        path, _, query = _local(self._url).decode("latin-1").partition("?")
        return Head(
            method=method.decode("ascii"),
            path=unquote(path),
            query=query,
            authorization=self._authorization.decode("latin-1") if self._authorization is not None else None,
            last_event_id=self._told(b"last-event-id"),
            accept=self._told(b"accept"),
            accept_language=self._told(b"accept-language"),
            chunks=self._chunks,
            last=last,
        )

    def _told(self, name: bytes) -> str:
        return self._kept.get(name, b"").decode("latin-1")

    def _limit_head(self, more: int) -> None:
        self._head_length += more
        if self._head_length > MAX_HEAD:
            raise Refused(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, f"the head is larger than {MAX_HEAD} bytes")

    @staticmethod
    def _too_large() -> Refused:
        return Refused(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"the body is larger than {MAX_BODY} bytes")


def _local(url: bytes) -> bytes:
    """Return an address without scheme and server, which stand in it when a proxy was meant."""
    scheme, found, rest = url.partition(b"://")
    if not found or scheme.lower() not in {b"http", b"https"}:
        return url
    return b"/" + rest.partition(b"/")[2]
