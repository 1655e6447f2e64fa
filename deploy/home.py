"""Everything that one system keeps, by name: folders, ports, keys and addresses.

A command works with whatever is there: a system that `niangjia up` started in the home folder, or broker, database
and services that the environment names (a compose network). While the system of the home folder runs, what it
remembers counts; otherwise the environment does.
"""

import json
import os
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from tempfile import gettempdir
from typing import Self

from deploy.problem import Problem
from shared.runtime.settings import Reader, address, key_bytes
from shared.runtime.variables import SERVICES

KEYS = ("token", "master", "index")

#: Schemes of the addresses that may be given, and the file in which the home folder remembers each.
_ADDRESSES = {
    "AMQP_URI": (("amqp", "amqps"), "amqp.uri"),
    "MONGO_URI": (("mongodb", "mongodb+srv"), "mongo.uri"),
    "NIANGJIA_BROKER_API": (("http", "https"), "broker-api.uri"),
}
#: What a home folder holds.
_PARTS = {"anchors", "data", "etc", "log", "outbox", "ports.json", "run", "secrets"}
#: Would have to be escaped differently by each of the programs that read the path.
_UNUSABLE_IN_PATHS = "\"'%;,\\\n"
#: The kernel allows 107; supervisord makes its socket under a longer, temporary name.
_LONGEST_SOCKET_PATH = 92


@dataclass(frozen=True, slots=True)
class Home:
    """The home folder of one system."""

    root: Path

    @classmethod
    def at(cls, folder: str | Path) -> Self:
        """Return the home in `folder`, which need not be there yet.

        Raises:
            Problem: its path has characters that not every program can take.
        """
        root = Path(folder).absolute()
        if any(character in str(root) for character in _UNUSABLE_IN_PATHS):
            raise Problem(f"{root} cannot be the home folder", "choose a path without any of \" ' % ; , \\")
        return cls(root)

    @property
    def strangers(self) -> list[str]:
        """What lies in the folder that cannot be of a home; nothing where a system was started before."""
        if self.ports or not self.root.is_dir():
            return []
        return sorted({path.name for path in self.root.iterdir()} - _PARTS)

    @property
    def etc(self) -> Path:
        """Configuration files, made new by each `niangjia up`."""
        return self.root / "etc"

    @property
    def secrets(self) -> Path:
        """Passwords and addresses with passwords; also the keys, unless they are kept elsewhere."""
        return self.root / "secrets"

    @property
    def keys(self) -> Path:
        """The folder of token.key, master.key and index.key."""
        return Reader().path("NIANGJIA_SECRETS", self.secrets)

    @property
    def signing_key(self) -> Path:
        """The file with the key with which the federation signs; no service needs it."""
        return Reader().path("NIANGJIA_SIGNER", self.secrets / "signing.key")

    @property
    def anchors(self) -> Path:
        """Copies of the anchors of the journals."""
        return Reader().path("NIANGJIA_ANCHORS", self.root / "anchors")

    @property
    def data(self) -> Path:
        """What broker and database store."""
        return self.root / "data"

    @property
    def log(self) -> Path:
        """One file for each process."""
        return self.root / "log"

    @property
    def run(self) -> Path:
        """What only lives as long as the system: process id, lock."""
        return self.root / "run"

    @property
    def outbox(self) -> Path:
        """Where the local channel puts messages, unless NIANGJIA_OUTBOX says otherwise."""
        return self.root / "outbox"

    @property
    def namespace(self) -> str:
        """What goes before the names of databases, exchanges and queues."""
        return Reader().text("NIANGJIA_NAMESPACE")

    @property
    def socket(self) -> Path:
        """The socket of the process manager; in a short place of its own when the path would be too long."""
        usual = self.run / "supervisor.sock"
        if len(os.fsencode(usual)) <= _LONGEST_SOCKET_PATH:
            return usual
        return self.short_folder / "supervisor.sock"

    @property
    def short_folder(self) -> Path:
        """A folder with a short path that belongs to this home and user alone."""
        return Path(gettempdir()) / f"niangjia-{os.getuid()}-{sha256(os.fsencode(self.root)).hexdigest()[:16]}"

    @property
    def pid(self) -> int | None:
        """The process id of the process manager, if the system runs."""
        try:
            pid = int((self.run / "supervisord.pid").read_text(encoding="ascii"))
            command = Path(f"/proc/{pid}/cmdline").read_bytes()
        except (OSError, ValueError):
            return None
        return pid if b"supervisord" in command and os.fsencode(self.etc) in command else None

    @property
    def ports(self) -> dict[str, int]:
        """The port of each part, as chosen at the first start; empty before."""
        try:
            return dict(json.loads((self.root / "ports.json").read_text(encoding="utf-8")))
        except FileNotFoundError:
            return {}
        except ValueError:
            raise Problem(f"{self.root / 'ports.json'} cannot be read", "remove it and run `niangjia up`") from None

    @property
    def amqp_uri(self) -> str:
        """The full address of the broker."""
        return self._address("AMQP_URI")

    @property
    def mongo_uri(self) -> str:
        """The full address of the database, without a database name."""
        return self._address("MONGO_URI")

    def given(self, name: str) -> str:
        """Return the address that the environment gives (by `AMQP_URI`, for instance, or `AMQP_URI_FILE`), or ""."""
        schemes, _ = _ADDRESSES[name]
        return Reader().secret(name, address(*schemes), required=False)

    def remembered(self, name: str) -> str:
        """Return the address with which the system was started the last time, or ""."""
        _, file = _ADDRESSES[name]
        return self.secret(file)

    def address_file(self, name: str) -> Path:
        """Return the file in which the address is remembered."""
        return self.secrets / _ADDRESSES[name][1]

    def secret(self, file: str) -> str:
        """Return what a file in the folder of secrets holds, or ""."""
        return _content(self.secrets / file)

    def key(self, name: str) -> bytes:
        """Return one of the three keys.

        Raises:
            SettingError: it is not there, or is not 64 hexadecimal characters.
        """
        return key_bytes(self.keys, name)

    def service_url(self, service: str) -> str:
        """Return where a service answers, without a slash at the end.

        Raises:
            Problem: nothing says where.
        """
        name = f"NIANGJIA_{service.upper()}_URL"
        given = os.environ.get(name, "").strip().rstrip("/")
        port = self.ports.get(service)
        local = f"http://127.0.0.1:{port}" if port else ""
        url = (local or given) if self.pid else (given or local)
        if not url:
            raise Problem(f"nothing says where {service} answers", f"run `niangjia up`, or set {name}")
        return url

    def service_urls(self) -> dict[str, str]:
        """Return where each service answers."""
        return {service: self.service_url(service) for service in SERVICES}

    def _address(self, name: str) -> str:
        if self.pid:
            return self.remembered(name) or self.given(name)
        found = self.given(name) or self.remembered(name)
        if not found:
            raise Problem(f"{name} is not set and nothing runs in {self.root}", f"run `niangjia up`, or set {name}")
        return found


def _content(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8").strip()
    except FileNotFoundError:
        return ""
    except (OSError, UnicodeDecodeError) as error:
        raise Problem(f"{path} cannot be read ({type(error).__name__})", "run as the user who started it") from None
