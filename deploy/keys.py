"""Keys and passwords of one system: generated once, each in a file of its own, never defaulted."""

from secrets import token_hex, token_urlsafe

from deploy.files import keep_private, make_folder
from deploy.home import KEYS, Home
from deploy.problem import Problem
from shared.runtime.variables import wrong

#: Password of the user with which services log in to the broker, and the salt of the hash that the broker keeps.
BROKER_LOGIN = "broker.password"
BROKER_SALT = "broker.salt"
#: Password of the user with which feed looks after the partners' part of the broker.
BROKER_ADMINISTRATOR_LOGIN = "broker-administrator.password"
#: Password of the database user of the services, and of the one that sets up the replica set.
DATABASE_LOGIN = "database.password"
OPERATOR_LOGIN = "database-operator.password"
#: With it the members of the replica set recognise each other.
DATABASE_KEYFILE = "database.keyfile"
SUPERVISOR_LOGIN = "supervisor.password"


def ensure_keys(home: Home) -> None:
    """Generate what is missing.

    Raises:
        Problem: a key is missing from a folder outside of the home, which nobody but the operator fills.
    """
    make_folder(home.secrets)
    _ensure_service_keys(home)
    for name in (BROKER_LOGIN, BROKER_ADMINISTRATOR_LOGIN, DATABASE_LOGIN, OPERATOR_LOGIN, SUPERVISOR_LOGIN):
        keep_private(home.secrets / name, f"{token_urlsafe(24)}\n")
    keep_private(home.secrets / BROKER_SALT, f"{token_hex(4)}\n")
    keep_private(home.secrets / DATABASE_KEYFILE, f"{token_hex(64)}\n")


def _ensure_service_keys(home: Home) -> None:
    for name in KEYS:
        path = home.keys / f"{name}.key"
        if home.keys != home.secrets and not path.exists():
            raise Problem(f"{path} is not there", "put it there, or unset NIANGJIA_SECRETS to have keys generated")
        keep_private(path, f"{token_hex(32)}\n")
        home.key(name)


def signing_key(home: Home) -> bytes:
    """Return the secret key of the federation; where the home keeps it, it is generated at the first time.

    Raises:
        Problem: it is not where the operator keeps it.
        SettingError: the file holds something else.
    """
    path = home.signing_key
    if path.parent == home.secrets:
        make_folder(home.secrets)
        keep_private(path, f"{token_hex(32)}\n")
    try:
        raw = bytes.fromhex(path.read_text(encoding="ascii").strip())
    except ValueError:
        raw = b""
    except OSError as error:
        raise Problem(
            f"{path} cannot be read ({error.strerror})", "name the federation's key in NIANGJIA_SIGNER"
        ) from None
    if len(raw) != 32:
        raise wrong("NIANGJIA_SIGNER", "names a file that is not 64 hexadecimal characters")
    return raw
