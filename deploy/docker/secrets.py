"""Generates the secrets of a system of containers, once, and gives each container what it needs of them.

The volume of the home folder keeps them all and is shown to nobody who serves; the folders under `GIVEN` are volumes,
too, each shown to those it is for. What was generated is never overwritten.
"""

import json
import sys
from collections.abc import Mapping
from pathlib import Path

from deploy import broker, database
from deploy.certificates import AUTHORITY, SERVER, SERVER_KEY, ensure_certificates
from deploy.files import make_folder, write_private
from deploy.home import KEYS, Home
from deploy.keys import DATABASE_KEYFILE, ensure_keys, signing_key
from deploy.problem import Problem

HOME = Path("/var/lib/niangjia")
GIVEN = Path("/given")
#: The names of the containers among each other, and the ports on which they listen.
BROKER = ("broker", 5672)
MANAGEMENT = ("broker", 15672)
DATABASE = ("database", 27017)

#: What is stored cannot be read without them.
_IRREPLACEABLE = ("master.key", "index.key")


def generate(home: Home, given: Path) -> None:
    """Generate what is missing, and give.

    Raises:
        Problem: the keys with which the system has run until now are not among those that are kept.
    """
    _check_kept(home, given / "services")
    make_folder(home.root)
    ensure_keys(home)
    ensure_certificates(home, [BROKER[0], *broker.partner_hosts()])
    for recipient, files in _portions(home).items():
        make_folder(given / recipient)
        for name, content in files.items():
            write_private(given / recipient / name, content, mode=0o400)


def _check_kept(home: Home, given: Path) -> None:
    for name in _IRREPLACEABLE:
        before, kept = _content(given / name), _content(home.secrets / name)
        if before and before != kept:
            raise Problem(
                f"expected {home.secrets / name} to be the key with which this system stores, "
                f"found {'another' if kept else 'none'}",
                "put back the volume `secrets` as it was",
            )


def _portions(home: Home) -> Mapping[str, Mapping[str, str]]:
    """Return what each recipient gets."""
    return {
        "services": {
            "amqp.uri": broker.uri(home, *BROKER),
            "mongo.uri": database.uri(home, *DATABASE),
            **{f"{name}.key": home.secret(f"{name}.key") for name in KEYS},
        },
        # who may change users of the broker
        "feed": {"broker-api.uri": broker.management_uri(home, *MANAGEMENT)},
        "broker": {
            "definitions.json": json.dumps(broker.definitions(home)),
            **{name: home.secret(name) for name in (AUTHORITY, SERVER, SERVER_KEY)},
        },
        # the command line, with which the federation signs
        "federation": {home.signing_key.name: f"{signing_key(home).hex()}\n"},
        "database": {DATABASE_KEYFILE: home.secret(DATABASE_KEYFILE)},
    }


def _content(path: Path) -> str:
    return path.read_text(encoding="ascii").strip() if path.exists() else ""


def main() -> int:
    """Generate, and return the exit code."""
    try:
        generate(Home.at(HOME), GIVEN)
    except Problem as problem:
        sys.stderr.write(f"secrets: {problem}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
