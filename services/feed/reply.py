"""An answer over HTTP, of which only the status and one header count; what else there is, is bounded."""

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final

import httptools

#: Bytes that are read of the head, and of the body, with which nothing is done.
_MOST_HEAD = _MOST_BODY = 16 * 1024
_FIRST_FINAL: Final = 200
_LONGEST_RETRY_AFTER: Final = 100


class Reply:
    """An answer as it comes in, by the parser's callbacks."""

    def __init__(self) -> None:
        self.status = 0
        self._retry_after = b""
        self._parser = httptools.HttpResponseParser(self)
        self._head = self._body = 0
        self._is_whole = self._is_odd = False

    @property
    def retry_after(self) -> float:
        """Seconds for which the partner wants to be left alone; 0 where it does not say."""
        return _seconds(self._retry_after)

    @property
    def is_known(self) -> bool:
        """Whether the head of the final answer is there."""
        return self.status >= _FIRST_FINAL

    @property
    def is_worth_reading(self) -> bool:
        """Whether its body may still end soon."""
        return not (self._is_whole or self._is_odd) and self._body < _MOST_BODY

    @property
    def leaves_open(self) -> bool:
        """Whether the connection can take another call."""
        return self._is_whole and not self._is_odd and bool(self._parser.should_keep_alive())

    def feed(self, data: bytes) -> None:
        """Take some more bytes.

        Raises:
            httptools.HttpParserError: this is no answer, or one without end.
        """
        if not self.is_known:
            self._head += len(data)
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            self._is_odd = True
            if not self.is_known:
                raise httptools.HttpParserError("another protocol") from None
        if not self.is_known and self._head > _MOST_HEAD:
            raise httptools.HttpParserError("too long")

    def on_message_begin(self) -> None:
        """Notice an answer to something that was not asked."""
        self._is_odd = self._is_odd or self._is_whole

    def on_header(self, name: bytes, value: bytes) -> None:
        """Keep the one header that counts."""
        if name.lower() == b"retry-after" and not self.is_known:
            self._retry_after = value[:_LONGEST_RETRY_AFTER]

    def on_headers_complete(self) -> None:
        """Take the status, unless it is only an interim one."""
        if not self.is_known:
            self.status = self._parser.get_status_code()
            self._retry_after = self._retry_after if self.is_known else b""

    def on_body(self, data: bytes) -> None:
        """Forget what a partner says beside the status."""
        self._body += len(data)

    def on_message_complete(self) -> None:
        """Note that nothing more comes."""
        self._is_whole = self.is_known


def _seconds(retry_after: bytes) -> float:
    """Return what `Retry-After` says: seconds, or a date (RFC 9110, 10.2.3); 0 where it says nothing that is meant."""
    text = retry_after.decode("latin-1").strip()
    if text.isascii() and text.isdigit():
        return float(text)
    try:
        at = parsedate_to_datetime(text)
        return max(0.0, (at.replace(tzinfo=at.tzinfo or UTC) - datetime.now(UTC)).total_seconds())
    except (ValueError, TypeError, OverflowError, IndexError):
        return 0.0
