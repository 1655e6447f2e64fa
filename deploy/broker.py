"""RabbitMQ without containers: Debian's package, run by this user, on loopback, with folders and ports of its own."""

import json
import shutil
from base64 import b64encode
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path

from amqp import Connection
from amqp.exceptions import AccessRefused, AMQPError, NotAllowed
from kombu.utils.url import parse_url

from deploy.files import make_folder, write_private
from deploy.home import Home
from deploy.keys import BROKER_LOGIN, BROKER_SALT
from deploy.problem import Problem
from deploy.program import Program

NAME = "broker"
USER = "niangjia"
VIRTUAL_HOST = "niangjia"

#: Debian's own /usr/sbin/rabbitmq-server is a wrapper that changes to the user rabbitmq; this is what it calls.
_DEBIAN = Path("/usr/lib/rabbitmq/bin/rabbitmq-server")

_CONFIGURATION = """\
listeners.tcp.1 = 127.0.0.1:{broker}
definitions.import_backend = local_filesystem
# seen from the home folder, in which the broker runs: RabbitMQ reads this file as ASCII
definitions.local.path = etc/definitions.json
definitions.skip_if_unchanged = true
log.console = true
log.console.level = info
log.connection.level = warning
log.file = false
# publishers are held back before the machine swaps, and before the disk is full
vm_memory_high_watermark.absolute = 1GiB
disk_free_limit.absolute = 256MB
# the log of the quorum queues is kept in memory up to this size; the default is 512 MB
raft.wal_max_size_bytes = 67108864
"""


def executable() -> Path:
    """Return the script that starts RabbitMQ.

    Raises:
        Problem: there is none.
    """
    if _DEBIAN.exists():
        return _DEBIAN
    found = shutil.which("rabbitmq-server")
    if not found:
        raise Problem("rabbitmq-server is not installed", "run `deploy/bootstrap`, or set AMQP_URI")
    return Path(found)


def uri(home: Home, host: str, port: int) -> str:
    """Return the full address for the services."""
    return f"amqp://{USER}:{home.secret(BROKER_LOGIN)}@{host}:{port}/{VIRTUAL_HOST}"


def local_uri(home: Home, ports: Mapping[str, int]) -> str:
    """Return the full address of the broker of `home`."""
    return uri(home, "127.0.0.1", ports[NAME])


def is_local(home: Home, uri: str) -> bool:
    """Say whether an address is that of the broker of `home`, whatever its port was then."""
    return f":{home.secret(BROKER_LOGIN)}@127.0.0.1:" in uri


def prepare(home: Home, ports: Mapping[str, int]) -> Program:
    """Write the broker's configuration and return its program."""
    folder = _folder(home)
    make_folder(folder)
    write_private(home.etc / "definitions.json", json.dumps(definitions(home), indent=2))
    write_private(home.etc / "rabbitmq.conf", _CONFIGURATION.format(broker=ports[NAME]))
    write_private(home.etc / "enabled_plugins", "[].\n")
    cookie = sha256(f"cookie {home.secret(BROKER_LOGIN)}".encode()).hexdigest()
    write_private(folder / ".erlang.cookie", cookie, mode=0o400)
    return Program(
        name=NAME,
        command=(str(executable()),),
        environment=_environment(home, ports),
        starts_first=True,
        settles_after=10,
    )


def has_data(home: Home) -> bool:
    """Say whether the broker of `home` was ever started."""
    return (_folder(home) / "nodes").exists()


def trouble(uri: str) -> str:
    """Say why the broker cannot be used; "" when it can."""
    parts = parse_url(uri)
    try:
        connection = Connection(
            host=f"{parts['hostname']}:{parts['port'] or 5672}",
            userid=parts["userid"] or "guest",
            password=parts["password"] or "guest",
            virtual_host=parts["virtual_host"] or "/",
            ssl=parts["transport"] == "amqps",
            connect_timeout=3,
            read_timeout=5,
        )
        connection.connect()
        connection.close()
    except (AccessRefused, NotAllowed) as refusal:
        return f"it refuses user or virtual host ({type(refusal).__name__})"
    except (AMQPError, OSError) as error:
        return f"it does not answer ({type(error).__name__})"
    return ""


def _folder(home: Home) -> Path:
    return home.data / NAME


def _environment(home: Home, ports: Mapping[str, int]) -> dict[str, str]:
    folder = _folder(home)
    return {
        "HOME": str(folder),  # where Erlang looks for its cookie
        "LC_ALL": "C.UTF-8",  # how it reads the paths that follow
        # tells the start script to become the virtual machine instead of watching over it, so that the process
        # that the manager knows is the broker itself
        "RUNNING_UNDER_SYSTEMD": "true",
        # a crash dump would hold messages
        "ERL_CRASH_DUMP_SECONDS": "0",
        "ERL_EPMD_ADDRESS": "127.0.0.1",
        "ERL_EPMD_PORT": str(ports["names"]),
        "RABBITMQ_ADVANCED_CONFIG_FILE": str(home.etc / "advanced.config"),
        "RABBITMQ_CONFIG_FILE": str(home.etc / "rabbitmq.conf"),
        # files that are not there, so that nothing of the machine's own broker is read
        "RABBITMQ_CONF_ENV_FILE": str(home.etc / "rabbitmq-env.conf"),
        "RABBITMQ_CONFIG_FILES": str(home.etc / "conf.d"),
        "RABBITMQ_DIST_PORT": str(ports["nodes"]),
        "RABBITMQ_ENABLED_PLUGINS_FILE": str(home.etc / "enabled_plugins"),
        "RABBITMQ_LOG_BASE": str(home.log),
        "RABBITMQ_LOGS": "-",
        "RABBITMQ_MNESIA_BASE": str(folder / "nodes"),
        "RABBITMQ_NODENAME": "niangjia@localhost",
        "RABBITMQ_PID_FILE": str(folder / "broker.pid"),
        # other work shares the processors: no spinning, no binding of threads to cores
        "RABBITMQ_SCHEDULER_BIND_TYPE": "u",
        "RABBITMQ_SCHEDULER_BUSY_WAIT_THRESHOLD": "none",
        "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "-kernel inet_dist_use_interface {127,0,0,1}",
    }


def definitions(home: Home) -> dict[str, object]:
    """Return the one user and the one virtual host, in the form that RabbitMQ loads."""
    # with definitions to load, it makes neither its user guest nor the virtual host "/"
    everything = ".*"
    return {
        "vhosts": [{"name": VIRTUAL_HOST}],
        "users": [
            {
                "name": USER,
                "password_hash": _password_hash(home),
                "hashing_algorithm": "rabbit_password_hashing_sha256",
                "tags": "",
                "limits": {},
            }
        ],
        "permissions": [
            {
                "user": USER,
                "vhost": VIRTUAL_HOST,
                "configure": everything,
                "write": everything,
                "read": everything,
            }
        ],
    }


def _password_hash(home: Home) -> str:
    salt = bytes.fromhex(home.secret(BROKER_SALT))
    return b64encode(salt + sha256(salt + home.secret(BROKER_LOGIN).encode()).digest()).decode()
