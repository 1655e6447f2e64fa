"""MongoDB without containers: a replica set of one member, run by this user, on loopback, with users of its own."""

import shutil
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml
from pymongo import MongoClient
from pymongo.errors import ConfigurationError, OperationFailure, PyMongoError

from deploy.files import make_folder, write_private
from deploy.home import Home
from deploy.keys import DATABASE_KEYFILE, DATABASE_LOGIN, OPERATOR_LOGIN
from deploy.problem import Problem
from deploy.program import Program

NAME = "database"
REPLICA_SET = "rs0"
#: The user of the services, and the one that sets up the replica set and its users.
USER = "niangjia"
OPERATOR = "operator"

_HOST = "127.0.0.1"
_CACHE_GIGABYTES = 0.5
_OPLOG_MEGABYTES = 512
_SERVICE_ROLES = ("readWriteAnyDatabase", "dbAdminAnyDatabase", "clusterMonitor")
_ELECTION_SECONDS = 15
#: MongoDB's numbers for these answers.
_AUTHENTICATION_FAILED = 18
_ALREADY_INITIALIZED = 23

_Client = MongoClient[dict[str, object]]


def executable() -> Path:
    """Return the mongod to run: the first on the path, else the one that the bootstrap put beside Python.

    Raises:
        Problem: there is none.
    """
    beside = Path(sys.executable).with_name("mongod")
    found = shutil.which("mongod") or (str(beside) if beside.exists() else None)
    if not found:
        raise Problem("mongod is not installed", "run `deploy/bootstrap`, or set MONGO_URI")
    return Path(found)


def uri(home: Home, host: str, port: int) -> str:
    """Return the full address for the services, without a database name."""
    return f"mongodb://{USER}:{home.secret(DATABASE_LOGIN)}@{host}:{port}/?replicaSet={REPLICA_SET}"


def local_uri(home: Home, ports: Mapping[str, int]) -> str:
    """Return the full address of the database of `home`, without a database name."""
    return uri(home, _HOST, ports[NAME])


def is_local(home: Home, uri: str) -> bool:
    """Say whether an address is that of the database of `home`, whatever its port was then."""
    return f":{home.secret(DATABASE_LOGIN)}@{_HOST}:" in uri


def prepare(home: Home, ports: Mapping[str, int]) -> Program:
    """Write the database's configuration and return its program."""
    folder = home.data / NAME
    make_folder(folder)
    settings = {
        "net": {"bindIp": _HOST, "port": ports[NAME], "unixDomainSocket": {"enabled": False}},
        # operations that took long would be logged with their documents
        "operationProfiling": {"mode": "off", "slowOpSampleRate": 0.0},
        "replication": {"replSetName": REPLICA_SET, "oplogSizeMB": _OPLOG_MEGABYTES},
        "security": {"authorization": "enabled", "keyFile": str(home.secrets / DATABASE_KEYFILE)},
        "setParameter": {"diagnosticDataCollectionEnabled": False},
        "storage": {"dbPath": str(folder), "wiredTiger": {"engineConfig": {"cacheSizeGB": _CACHE_GIGABYTES}}},
        "systemLog": {"quiet": True},
    }
    write_private(home.etc / "mongod.conf", yaml.safe_dump(settings))
    command = (str(executable()), "--config", str(home.etc / "mongod.conf"))
    return Program(name=NAME, command=command, environment={"HOME": str(folder)}, starts_first=True)


def set_up(home: Home, ports: Mapping[str, int], host: str = _HOST) -> None:
    """Make the replica set and its users where they are missing, and let it follow an address that has changed.

    May be called again whatever an earlier call had done when it was cut short. Has to run where the database is on
    loopback; `host` is the name under which others, who follow what the replica set says, reach it.

    Raises:
        PyMongoError: the database is not ready yet.
    """
    operator_password, member = home.secret(OPERATOR_LOGIN), f"{host}:{ports[NAME]}"
    try:
        _follow_address(ports, operator_password, member)
    except OperationFailure as refusal:
        if refusal.code != _AUTHENTICATION_FAILED:
            raise
        _initiate(ports, operator_password, member)
    with _direct(ports, operator_password) as client:
        if not client.admin.command("usersInfo", USER)["users"]:
            client.admin.command("createUser", USER, pwd=home.secret(DATABASE_LOGIN), roles=list(_SERVICE_ROLES))


def trouble(uri: str) -> str:
    """Say why the database cannot be used; "" when it can."""
    try:
        with MongoClient[dict[str, object]](uri, serverSelectionTimeoutMS=3000, connectTimeoutMS=3000) as client:
            if not client.admin.command("hello").get("setName"):
                return "it is not a member of a replica set, without which there are no transactions"
            client.admin.command("connectionStatus")
    except OperationFailure as refusal:
        return f"it refuses the user ({refusal.code})"
    except ConfigurationError:
        return "its address cannot be used"
    except PyMongoError as error:
        return f"it does not answer as a primary ({type(error).__name__})"
    return ""


def _initiate(ports: Mapping[str, int], operator_password: str, member: str) -> None:
    # as long as there is no user, mongod lets this connection from its own machine make the set and the first one
    with _direct(ports) as client:
        configuration = {"_id": REPLICA_SET, "members": [{"_id": 0, "host": member}]}
        try:
            client.admin.command("replSetInitiate", configuration)
        except OperationFailure as refusal:
            if refusal.code != _ALREADY_INITIALIZED:
                raise
        deadline = time.monotonic() + _ELECTION_SECONDS
        while not client.admin.command("hello").get("isWritablePrimary") and time.monotonic() < deadline:
            time.sleep(0.05)
        client.admin.command("createUser", OPERATOR, pwd=operator_password, roles=["root"])


def _follow_address(ports: Mapping[str, int], operator_password: str, member: str) -> None:
    with _direct(ports, operator_password) as client:
        configuration: Any = client.admin.command("replSetGetConfig")["config"]
        (known,) = configuration["members"]
        if known["host"] == member:
            return
        known["host"] = member
        configuration["version"] += 1
        client.admin.command("replSetReconfig", configuration, force=True)


def _direct(ports: Mapping[str, int], operator_password: str = "") -> _Client:
    login: dict[str, Any] = {"username": OPERATOR, "password": operator_password} if operator_password else {}
    return MongoClient(
        _HOST, ports[NAME], directConnection=True, serverSelectionTimeoutMS=1000, connectTimeoutMS=1000, **login
    )
