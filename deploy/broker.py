"""RabbitMQ without containers: Debian's package, run by this user, on loopback, with folders and ports of its own."""

import json
import shutil
import socket
from base64 import b64encode
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from urllib.parse import urlsplit

from amqp import Connection
from amqp.exceptions import AccessRefused, AMQPError, NotAllowed
from kombu.utils.url import parse_url

from deploy.certificates import AUTHORITY, SERVER, SERVER_KEY, ensure_certificates
from deploy.files import make_folder, write_private
from deploy.home import Home
from deploy.keys import BROKER_ADMINISTRATOR_LOGIN, BROKER_LOGIN, BROKER_SALT
from deploy.problem import Problem
from deploy.program import Program
from shared.runtime.settings import Reader

NAME = "broker"
USER = "niangjia"
#: Looks after the partners' virtual host over the management API; feed alone knows its password.
ADMINISTRATOR = "niangjia-administrator"
VIRTUAL_HOST = "niangjia"
#: Nobody uses it. A broker that is killed within a second after its very first stream forgets all its streams but their
#: names, and never opens them again; so its first is made when it starts, before anybody's.
FIRST_STREAM = "first-stream"
#: The variable that names the management API, for feed.
MANAGEMENT = "NIANGJIA_BROKER_API"

#: Debian's own /usr/sbin/rabbitmq-server is a wrapper that changes to the user rabbitmq; this is what it calls.
_DEBIAN = Path("/usr/lib/rabbitmq/bin/rabbitmq-server")

_CONFIGURATION = """\
listeners.tcp.1 = 127.0.0.1:{broker}
tcp_listen_options.backlog = 1024
definitions.import_backend = local_filesystem
# seen from the home folder, in which the broker runs: RabbitMQ reads this file as ASCII
definitions.local.path = etc/definitions.json
definitions.skip_if_unchanged = true
log.console = true
log.console.level = info
log.connection.level = warning
log.file = false
# publishers are held back before the machine swaps, and before the disk is full
vm_memory_high_watermark.absolute = 1536MiB
disk_free_limit.absolute = 256MB
# the log of the quorum queues is kept in memory up to this size; the default is 512 MB
raft.wal_max_size_bytes = 67108864
# partners: by TLS, with a password or a certificate whose common name is the user
listeners.ssl.1 = 127.0.0.1:{broker-tls}
ssl_options.cacertfile = secrets/{authority}
ssl_options.certfile = secrets/{server}
ssl_options.keyfile = secrets/{server_key}
ssl_options.verify = verify_peer
ssl_options.fail_if_no_peer_cert = false
ssl_options.depth = 1
ssl_options.versions.1 = tlsv1.3
ssl_options.versions.2 = tlsv1.2
ssl_cert_login_from = common_name
auth_mechanisms.1 = PLAIN
auth_mechanisms.2 = EXTERNAL
# a flood of connections at the one listener leaves files and memory for the other
connection_max = 2000
# the management API is there to look after users and streams, and after who reads how; nobody looks at rates
management.tcp.ip = 127.0.0.1
management.tcp.port = {broker-api}
management.rates_mode = none
collect_statistics_interval = 1000
"""
_MANAGEMENT = "rabbitmq_management"
_PLUGINS = ("rabbitmq_auth_mechanism_ssl", _MANAGEMENT)


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


def management_uri(home: Home, host: str, port: int) -> str:
    """Return the full address of the management API for feed."""
    return f"http://{ADMINISTRATOR}:{home.secret(BROKER_ADMINISTRATOR_LOGIN)}@{host}:{port}"


def is_local(home: Home, uri: str) -> bool:
    """Say whether an address is that of the broker of `home`, whatever its port was then."""
    return f":{home.secret(BROKER_LOGIN)}@127.0.0.1:" in uri


def prepare(home: Home, ports: Mapping[str, int]) -> Program:
    """Write the broker's configuration and the address of its management API, and return its program."""
    folder = _folder(home)
    make_folder(folder)
    write_private(home.etc / "definitions.json", json.dumps(definitions(home), indent=2))
    ensure_certificates(home, [socket.gethostname(), *partner_hosts()])
    files = {"authority": AUTHORITY, "server": SERVER, "server_key": SERVER_KEY}
    write_private(home.etc / "rabbitmq.conf", _CONFIGURATION.format(**files, **ports))
    write_private(home.etc / "enabled_plugins", f"[{','.join(_plugins(home))}].\n")
    write_private(home.address_file(MANAGEMENT), f"{management_uri(home, '127.0.0.1', ports['broker-api'])}\n")
    cookie = sha256(f"cookie {home.secret(BROKER_LOGIN)}".encode()).hexdigest()
    write_private(folder / ".erlang.cookie", cookie, mode=0o400)
    return Program(
        name=NAME,
        command=(str(executable()),),
        environment=_environment(home, ports),
        starts_first=True,
        settles_after=10,
    )


def remember_management(home: Home) -> None:
    """Keep for feed where the management API of a broker somewhere else is, as far as the environment says."""
    if known := home.given(MANAGEMENT) or (home.remembered(MANAGEMENT) if home.pid else ""):
        write_private(home.address_file(MANAGEMENT), f"{known}\n")
    else:
        home.address_file(MANAGEMENT).unlink(missing_ok=True)


def partner_hosts() -> list[str]:
    """Return the host names by which partners call the broker."""
    return [urlsplit(Reader().text("NIANGJIA_PARTNER_AMQP")).hostname or ""]


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


def _plugins(home: Home) -> list[str]:
    """Return what the broker loads.

    The management plugin of RabbitMQ 3.10 ends where a path has characters beyond Latin letters; without it all runs
    but for the agencies' streams, and `niangjia agencies add` says what is missing.
    """
    return [plugin for plugin in _PLUGINS if plugin != _MANAGEMENT or str(home.root).isascii()]


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
    """Return the users, the virtual host of the services and the first stream, in the form that RabbitMQ loads.

    The partners' virtual host and users are feed's to make.
    """
    # with definitions to load, it makes neither its user guest nor the virtual host "/"
    everything = ".*"
    return {
        "vhosts": [{"name": VIRTUAL_HOST}],
        "queues": [
            {
                "name": FIRST_STREAM,
                "vhost": VIRTUAL_HOST,
                "durable": True,
                "auto_delete": False,
                "arguments": {"x-queue-type": "stream"},
            }
        ],
        "users": [
            {
                "name": USER,
                "password_hash": _password_hash(home, BROKER_LOGIN),
                "hashing_algorithm": "rabbit_password_hashing_sha256",
                "tags": "",
                "limits": {},
            },
            {
                "name": ADMINISTRATOR,
                "password_hash": _password_hash(home, BROKER_ADMINISTRATOR_LOGIN),
                "hashing_algorithm": "rabbit_password_hashing_sha256",
                "tags": "administrator",
                "limits": {},
            },
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


def _password_hash(home: Home, login: str) -> str:
    salt = bytes.fromhex(home.secret(BROKER_SALT))
    return b64encode(salt + sha256(salt + home.secret(login).encode()).digest()).decode()
