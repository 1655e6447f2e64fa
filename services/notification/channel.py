"""The ways out of the house. What is sent twice under one key arrives once."""

import json
import smtplib
from base64 import b64encode
from contextlib import closing, suppress
from email.message import EmailMessage
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit

from msgspec import Struct

from shared.privacy import Key

_SMTP_SECONDS = 10
#: Answers of a mail server from here on are final; below, another try may help.
_REFUSED = 500


class Outgoing(Struct, frozen=True, kw_only=True):
    """A message on its way out."""

    #: The notice's id: the key under which it arrives once.
    id: str
    case_id: str
    #: Safe channel that the client named.
    channel: str
    to: str
    text: str


class NotSent(Exception):
    """The channel refused this message."""


class Away(Exception):
    """The channel cannot be reached; no message is to blame."""


class Unsure(Away):
    """The channel went away in the middle: nobody knows whether it took the message."""


class Channel(Protocol):
    """Takes messages for the outside world."""

    def send(self, message: Outgoing) -> None:
        """Hand a message over.

        Raises:
            NotSent: it was refused.
            Away: the channel cannot be reached; `Unsure`: it may have taken the message.
        """


class Folder:
    """A folder, one file for each message; the address in it is sealed, so that a copy of the folder tells nobody."""

    def __init__(self, path: Path, key: Key) -> None:
        self._path = path
        self._key = key

    def send(self, message: Outgoing) -> None:
        """Write the message's file; the same again writes the same file."""
        sealed = self._key.seal(message.to.encode(), f"outbox/{message.id}")
        content = {
            "id": message.id,
            "case_id": message.case_id,
            "channel": message.channel,
            "to_sealed": b64encode(sealed).decode(),
            "text": message.text,
        }
        try:
            self._path.mkdir(parents=True, exist_ok=True, mode=0o700)
            draft = self._path / f".{message.id}"
            draft.write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8")
            draft.rename(self._path / f"{message.id}.json")
        except OSError as error:
            raise Away(type(error).__name__) from error


class Mail:
    """A mail server that carries messages on to a gateway: `<address>@<channel>.<domain>`."""

    def __init__(self, host: str, port: int, domain: str) -> None:
        self._host, self._port, self._domain = host, port, domain

    def send(self, message: Outgoing) -> None:
        """Send one mail, with an id by which the gateway knows a repeat."""
        mail = EmailMessage()
        mail["Message-ID"] = f"<{message.id}@{self._domain}>"
        mail["From"] = f"desk@{self._domain}"
        mail["To"] = f"{message.to}@{message.channel}.{self._domain}"
        mail["Subject"] = message.case_id
        mail.set_content(message.text)
        try:
            server = smtplib.SMTP(self._host, self._port, timeout=_SMTP_SECONDS)
        except (OSError, smtplib.SMTPException) as error:
            raise Away(type(error).__name__) from error
        with closing(server):
            _hand_over(server, mail)
            with suppress(OSError, smtplib.SMTPException):  # it is sent, whatever is said at parting
                server.quit()


def _hand_over(server: smtplib.SMTP, mail: EmailMessage) -> None:
    try:
        server.send_message(mail)
    except smtplib.SMTPRecipientsRefused as error:
        raise NotSent(type(error).__name__) from error
    except smtplib.SMTPResponseException as error:
        refused = error.smtp_code >= _REFUSED
        raise (NotSent if refused else Away)(f"{type(error).__name__} {error.smtp_code}") from error
    except (OSError, smtplib.SMTPException) as error:
        raise Unsure(type(error).__name__) from error


def _mail(address: str) -> Mail:
    parts = urlsplit(address)
    return Mail(parts.hostname or "localhost", parts.port or 25, parts.path.strip("/") or "gateway.invalid")


def channel(address: str, key: Key) -> Channel | None:
    """Return the channel at an address: a folder, `smtp://host:port/domain`, or none for "off" (nothing is sent)."""
    if address == "off":
        return None
    return _mail(address) if address.startswith("smtp://") else Folder(Path(address), key)
