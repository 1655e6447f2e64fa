"""The services of the house as processes: what each is started with, and whether it is well."""

import os
import sys
from collections.abc import Iterable, Mapping
from hashlib import sha256
from pathlib import Path

import requests

from deploy.home import Home
from deploy.program import Program
from shared.runtime.auth import Bearer, Role, issue
from shared.runtime.tls import CERTIFICATE, KEY
from shared.runtime.variables import SERVICES, VARIABLES

_PROJECT = Path(__file__).parent.parent
_SOURCES = ("services", "shared")
_TOKEN_SECONDS = 300


def programs(home: Home, ports: Mapping[str, int]) -> list[Program]:
    """Return the program of each service."""
    return [program(home, ports, name, f"services.{name}.service") for name in SERVICES]


def program(home: Home, ports: Mapping[str, int], name: str, module: str) -> Program:
    """Return the program that runs `module` as the service `name`."""
    return Program(
        name=name,
        command=(sys.executable, "-m", "shared.runtime.run", module),
        environment=environment(home, ports, name),
    )


def environment(home: Home, ports: Mapping[str, int], name: str) -> dict[str, str]:
    """Return what a service is told; passwords only by the files in which they stand."""
    passed_on = {
        variable.name: os.environ[variable.name]
        for variable in VARIABLES
        if "services" in variable.readers and not variable.secret and os.environ.get(variable.name)
    }
    # here they reach each other within the machine, by an address for which no certificate is made
    for name_of_file in (CERTIFICATE, KEY):
        passed_on.pop(name_of_file, None)
    # the process runs in another folder than this one, so what is relative here must not stay so
    if rules := passed_on.get("NIANGJIA_RULES"):
        passed_on["NIANGJIA_RULES"] = str(Path(rules).absolute())
    told = {
        "AMQP_URI_FILE": str(home.address_file("AMQP_URI")),
        "MONGO_URI_FILE": str(home.address_file("MONGO_URI")),
        "NIANGJIA_FEED_URL": f"http://127.0.0.1:{ports['feed']}",
        "NIANGJIA_HOME": str(home.root),
        "NIANGJIA_HTTP_HOST": "127.0.0.1",
        "NIANGJIA_HTTP_PORT": str(ports[name]),
        "NIANGJIA_INTAKE_URL": f"http://127.0.0.1:{ports['intake']}",
        "NIANGJIA_OUTBOX": _outbox(home),
        "NIANGJIA_SECRETS": str(home.keys),
    }
    # only feed may change users of the broker
    if name == "feed" and home.remembered("NIANGJIA_BROKER_API"):
        told["NIANGJIA_BROKER_API_FILE"] = str(home.address_file("NIANGJIA_BROKER_API"))
    return {
        **passed_on,
        **told,
        "EVENTLET_NO_GREENDNS": "yes",  # addresses are numbers here; loading a resolver takes time and memory
        "NIANGJIA_BUILD": _build(),
        "PYTHONPATH": str(_PROJECT),
        "PYTHONUNBUFFERED": "1",
    }


def trouble(home: Home, url: str) -> str:
    """Say why a service is not well; "" when it is."""
    token = issue(home.key("token"), Bearer(name="niangjia", role=Role.ADMIN), _TOKEN_SECONDS)
    headers = {"Authorization": f"Bearer {token}"}
    try:
        # no proxy of the environment stands between a machine and itself
        with requests.Session() as session:
            session.trust_env = False
            answer = session.get(f"{url}/health", headers=headers, timeout=3)
    except requests.RequestException as error:
        return "it does not answer in time" if isinstance(error, requests.Timeout) else "nothing answers"
    if answer.ok:
        return ""
    return f"it answers {answer.status_code}{_detail(answer)}"


def _detail(answer: requests.Response) -> str:
    try:
        content = answer.json()
    except ValueError:
        return ""
    if not isinstance(content, dict):
        return ""
    said = content.get("ailing") or [content.get("detail")]
    return f" ({', '.join(str(part) for part in said if part)})"


def _outbox(home: Home) -> str:
    given = os.environ.get("NIANGJIA_OUTBOX", "").strip()
    if not given or given == "off" or "://" in given:
        return given or str(home.outbox)
    return str(Path(given).absolute())


def _build() -> str:
    """Return a mark of the code as it is now, so that `niangjia up` restarts the services when it has changed."""
    return sha256("\n".join(sorted(_source_marks())).encode()).hexdigest()[:12]


def _source_marks() -> Iterable[str]:
    for folder in _SOURCES:
        for pattern in ("*.py", "*.yml"):
            for file in (_PROJECT / folder).rglob(pattern):
                yield f"{file.relative_to(_PROJECT)} {file.stat().st_mtime_ns}"
