"""What a service process is told by its environment: broker, database, secrets, and its own names there."""

import re
import socket
from collections.abc import Callable
from dataclasses import dataclass, field
from ipaddress import ip_network
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlsplit

from environs import Env, EnvValidationError, validate
from marshmallow import ValidationError

from shared.runtime.tls import CERTIFICATE, KEY, server_context
from shared.runtime.variables import BY_NAME, LANGUAGES, LOG_LEVELS, SettingError, wrong

_Check = Callable[[Any], Any]
#: A name that cannot be taken for an address.
_HOST = re.compile(r"([A-Za-z0-9_-]{1,63}\.)*(?![0-9]|0x)[A-Za-z0-9_-]{1,63}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What one service process needs to know before it starts."""

    service: str
    #: Not shown in a representation, because they carry passwords.
    amqp_uri: str = field(repr=False)
    mongo_uri: str = field(repr=False)
    #: Folder with `token.key`, `master.key` and `index.key`.
    secrets: Path
    namespace: str = ""
    http_host: str = "127.0.0.1"
    http_port: int = 8000
    #: With both, TLS is spoken.
    http_certificate: Path | None = None
    http_key: Path | None = None
    intake_url: str = "http://127.0.0.1:8000"
    #: Where agencies reach feed: what a `dataref` begins with, without a slash at the end.
    feed_url: str = "http://127.0.0.1:8000"
    #: The broker's management API, with a user who may do everything there; "" is the usual port of the broker's host.
    broker_api: str = field(default="", repr=False)
    #: Where agencies reach the broker, without user and virtual host; "" is where the services reach it.
    partner_amqp: str = ""
    #: Days and megabytes for which a message stays in an agency's stream, whichever ends first.
    stream_days: int = 30
    stream_megabytes: int = 64
    #: Seconds between the tries of a webhook; after the one that follows the last it is given up.
    webhook_delays: tuple[float, ...] = (5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400)
    #: Networks and hosts that may be called though they are private, separated by commas.
    webhook_private: str = ""
    #: Seconds after which an agency is told that nothing happened.
    heartbeat: int = 30
    #: Where messages leave the house: a folder, smtp://host:port/domain, or "off".
    outbox: str
    #: Language of what clients read.
    language: str = "zh"
    log_level: str = "info"
    #: Folder whose rule files replace the shipped ones.
    rules: Path | None = None
    #: Seconds between the tries of an event that failed; after the last one it is a dead letter.
    retry_delays: tuple[float, ...] = (1, 5, 30, 120, 600, 3_600, 14_400)

    @classmethod
    def from_environment(cls, service: str) -> Self:
        """Read the settings of `service` from the environment of this process.

        Raises:
            SettingError: a variable is missing or wrong.
        """
        reader = Reader()
        home = Path(reader.text("NIANGJIA_HOME")).absolute()
        rules = reader.text("NIANGJIA_RULES")
        certificate, key = _tls(reader)
        return cls(
            service=service,
            amqp_uri=reader.secret("AMQP_URI", address("amqp", "amqps")),
            mongo_uri=reader.secret("MONGO_URI", address("mongodb", "mongodb+srv")),
            secrets=_folder("NIANGJIA_SECRETS", reader.path("NIANGJIA_SECRETS", home / "secrets")),
            namespace=reader.text("NIANGJIA_NAMESPACE", validate.Regexp(r"([a-z][a-z0-9]{0,15})?$")),
            http_host=reader.text("NIANGJIA_HTTP_HOST"),
            http_port=reader.number("NIANGJIA_HTTP_PORT", validate.Range(1, 65535)),
            http_certificate=certificate,
            http_key=key,
            intake_url=reader.text("NIANGJIA_INTAKE_URL", address("http", "https")).rstrip("/"),
            feed_url=_feed_url(reader),
            broker_api=reader.secret("NIANGJIA_BROKER_API", address("http", "https"), required=False),
            partner_amqp=reader.text("NIANGJIA_PARTNER_AMQP", address("amqp", "amqps")).rstrip("/"),
            stream_days=reader.number("NIANGJIA_STREAM_DAYS", validate.Range(1, 3650)),
            stream_megabytes=reader.number("NIANGJIA_STREAM_MEGABYTES", validate.Range(1, 100_000)),
            webhook_delays=reader.seconds("NIANGJIA_WEBHOOK_DELAYS"),
            webhook_private=reader.text("NIANGJIA_WEBHOOK_PRIVATE", places),
            heartbeat=reader.number("NIANGJIA_HEARTBEAT", validate.Range(1, 3600)),
            outbox=reader.text("NIANGJIA_OUTBOX") if reader.given("NIANGJIA_OUTBOX") else str(home / "outbox"),
            language=reader.text("NIANGJIA_LANGUAGE", validate.OneOf(LANGUAGES)),
            log_level=reader.text("NIANGJIA_LOG_LEVEL", validate.OneOf(LOG_LEVELS)),
            rules=_folder("NIANGJIA_RULES", Path(rules).absolute()) if rules else None,
            retry_delays=reader.seconds("NIANGJIA_RETRY_DELAYS"),
        )

    @property
    def instance(self) -> str:
        """The name of this process among its replicas, the same again after a restart."""
        return f"{socket.gethostname()}:{self.http_port}"

    def key(self, name: str) -> bytes:
        """Return the 32 bytes of `<name>.key` in the folder of secrets.

        Raises:
            SettingError: the file is missing, or does not hold 64 hexadecimal characters.
        """
        return key_bytes(self.secrets, name)

    @property
    def database(self) -> str:
        """The name of this service's database."""
        return database_name(self.service, self.namespace)

    def exchange(self, source: str) -> str:
        """Return the name of the exchange on which the service `source` publishes."""
        return f"{self._prefix}{source}.events"

    def queue(self, consumer: str, source: str) -> str:
        """Return the name of the queue in which `consumer` finds the events of `source`."""
        return f"{self._prefix}{consumer}.from.{source}"

    def unreadable(self, consumer: str) -> str:
        """Return the name of the queue where the broker puts what `consumer` never gave back."""
        return f"{self._prefix}{consumer}.unreadable"

    @property
    def _prefix(self) -> str:
        return f"{self.namespace}." if self.namespace else ""


class Reader:
    """Reads variables of the table, checked; an empty one counts as not set, because compose files write it so."""

    def __init__(self) -> None:
        self._env = Env()

    def text(self, name: str, *checks: _Check) -> str:
        """Return a variable as text, or its default."""
        if not self._raw(name):
            return BY_NAME[name].default
        return str(self._checked(name, self._env.str, checks)).strip()

    def given(self, name: str) -> bool:
        """Tell whether a variable is set."""
        return bool(self._raw(name))

    def number(self, name: str, *checks: _Check) -> int:
        """Return a variable as a whole number, or its default."""
        if not self._raw(name):
            return int(BY_NAME[name].default)
        return int(self._checked(name, self._env.int, checks))

    def seconds(self, name: str) -> tuple[float, ...]:
        """Return a variable that lists seconds, separated by commas."""
        try:
            values = tuple(float(part) for part in self.text(name).split(","))
        except ValueError:
            raise wrong(name, "is not a list of numbers") from None
        if not values or min(values) < 0:
            raise wrong(name, "holds a negative number")
        return values

    def path(self, name: str, default: Path) -> Path:
        """Return a variable as an absolute path, or `default`."""
        return Path(self._raw(name) or default).absolute()

    def secret(self, name: str, *checks: _Check, required: bool = True) -> str:
        """Return a variable or what the file of its twin `<name>_FILE` holds; "" only where it is not required.

        Raises:
            SettingError: it is missing, unusable, given twice, or its file cannot be read.
        """
        value, file = self._raw(name), self._raw(f"{name}_FILE")
        if value and file:
            raise SettingError(name, f"and {name}_FILE are both set", "keep one of them")
        if file:
            value = _content(f"{name}_FILE", Path(file), "name a readable file with the address in it")
        if not value and required:
            raise wrong(name, "is not set")
        try:
            for check in checks if value else ():
                check(value)
        except ValidationError as error:
            raise _unusable(name, error) from None
        return value

    def _raw(self, name: str) -> str:
        return str(self._env.str(name, "")).strip()

    def _checked(self, name: str, method: Callable[..., Any], checks: tuple[_Check, ...]) -> Any:
        try:
            return method(name, validate=checks)
        except EnvValidationError as error:
            raise _unusable(name, ValidationError(list(error.error_messages))) from None


def address(*schemes: str) -> _Check:
    """Return a check that a text is an address of one of the schemes; it never repeats the text, a possible secret."""

    def check(value: str) -> None:
        try:
            parts = urlsplit(value.strip())
            usable = parts.scheme in schemes and bool(parts.hostname)
        except ValueError:
            usable = False
        if not usable:
            raise ValidationError(f"No {' or '.join(schemes)} address.")

    return check


def places(value: str) -> None:
    """Check that a text lists networks and hosts, separated by commas."""
    for part in filter(None, (part.strip() for part in value.split(","))):
        try:
            if not _HOST.fullmatch(part):
                ip_network(part)
        except ValueError:
            raise ValidationError("Neither networks nor hosts.") from None


def key_bytes(folder: Path, name: str) -> bytes:
    """Return the 32 bytes of a key that `folder` holds in `<name>.key`, as 64 hexadecimal characters.

    Raises:
        SettingError: the file cannot be read, or holds something else.
    """
    text = _content("NIANGJIA_SECRETS", folder / f"{name}.key", BY_NAME["NIANGJIA_SECRETS"].remedy)
    try:
        raw = bytes.fromhex(text)
    except ValueError:
        raw = b""
    if len(raw) != 32:
        raise wrong("NIANGJIA_SECRETS", f"holds a {name}.key that is not 64 hexadecimal characters")
    return raw


def database_name(service: str, namespace: str = "") -> str:
    """Return the name of the database of `service`."""
    return "_".join(filter(None, ("niangjia", namespace, service)))


def _unusable(name: str, error: ValidationError) -> SettingError:
    messages = error.messages if isinstance(error.messages, list) else [str(error.messages)]
    return wrong(name, f"cannot be used ({' '.join(str(message) for message in messages).rstrip('.')})")


def _feed_url(reader: Reader) -> str:
    name = "NIANGJIA_FEED_PUBLIC_URL" if reader.given("NIANGJIA_FEED_PUBLIC_URL") else "NIANGJIA_FEED_URL"
    return reader.text(name, address("http", "https")).rstrip("/")


def _tls(reader: Reader) -> tuple[Path | None, Path | None]:
    """Return the files with which TLS is spoken; none where it is not."""
    if not (reader.given(CERTIFICATE) or reader.given(KEY)):
        return None, None
    for name, other in ((CERTIFICATE, KEY), (KEY, CERTIFICATE)):
        if not reader.given(name):
            raise wrong(name, f"is not set, and {other} is")
    certificate, key = (Path(reader.text(name)).absolute() for name in (CERTIFICATE, KEY))
    server_context(certificate, key)
    return certificate, key


def _folder(name: str, path: Path) -> Path:
    if not path.is_dir():
        raise wrong(name, f"is not a folder ({path})")
    return path


def _content(name: str, path: Path, remedy: str) -> str:
    try:
        value = path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise SettingError(name, f"cannot be read ({path}: {type(error).__name__})", remedy) from None
    if not value:
        raise SettingError(name, f"is empty ({path})", remedy)
    return value
