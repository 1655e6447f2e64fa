"""The system: its keys, and whether its parts are well."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

from pymongo.errors import PyMongoError

from deploy import broker, database, services
from deploy.checks.finding import Finding
from deploy.home import KEYS, Home
from shared.runtime.database import connect
from shared.runtime.parking import Parking
from shared.runtime.rebuilding import Rebuilding
from shared.runtime.settings import database_name
from shared.runtime.variables import SERVICES

_OTHERS = 0o077


def secrets(home: Home) -> Iterator[Finding]:
    """Check that the keys are there and whole, and that nobody else can read a secret."""
    for name in KEYS:
        home.key(name)
    files = [*(home.keys / f"{name}.key" for name in KEYS), *_files(home.secrets)]
    # what a container is given belongs to it as a whole, and is often shown as readable to everybody
    open_files = sorted({str(file) for file in files if home.ports and file.stat().st_mode & _OTHERS})
    yield Finding(
        name="secrets",
        well=not open_files,
        expected="three keys; every file readable by its owner alone (mode 0600)",
        found=f"readable by others: {', '.join(open_files)}" if open_files else "as expected",
        remedy=f"chmod 600 {' '.join(open_files)}" if open_files else "",
    )


def broker_answers(home: Home) -> Iterator[Finding]:
    """Check that the broker lets us in."""
    yield _answer("broker", broker.trouble(home.amqp_uri), "lets us in", "run `niangjia up`, or correct AMQP_URI")


def database_is_primary(home: Home) -> Iterator[Finding]:
    """Check that the database is a primary that lets us in."""
    trouble = database.trouble(home.mongo_uri)
    yield _answer("database", trouble, "a primary that lets us in", "run `niangjia up`, or correct MONGO_URI")


def services_are_well(home: Home) -> Iterator[Finding]:
    """Check every service."""
    urls = home.service_urls()
    with ThreadPoolExecutor(len(urls)) as pool:
        troubles = pool.map(partial(services.trouble, home), urls.values())
    for name, trouble in zip(urls, troubles, strict=True):
        yield _answer(name, trouble, "well", f"run `niangjia up`; its log is {home.log / f'{name}.log'}")


def no_dead_letters(home: Home) -> Iterator[Finding]:
    """Check that no event was given up."""
    try:
        dead = {name: _dead_letters(home, name) for name in SERVICES}
    except PyMongoError as error:
        yield _answer("dead letters", f"cannot be counted ({type(error).__name__})", "none", "look to the database")
        return
    found = ", ".join(f"{count} in {name}" for name, count in dead.items() if count)
    remedy = "see `niangjia dead-letters list`, then retry or discard them"
    yield _answer("dead letters", found, "none", remedy)


def no_rebuild_is_left(home: Home) -> Iterator[Finding]:
    """Check that no rebuild was cut short: its service decides nothing until it is carried through."""
    try:
        left = [name for name in SERVICES if _rebuilding(home, name).is_under_way()]
    except PyMongoError as error:
        yield _answer("rebuilds", f"cannot be looked at ({type(error).__name__})", "none left", "look to the database")
        return
    found = f"under way, or cut short: {', '.join(left)}" if left else ""
    remedy = f"unless one works on it: niangjia rebuild --service {left[0]} --replace" if left else ""
    yield _answer("rebuilds", found, "none left", remedy)


def every_webhook_is_called(home: Home) -> Iterator[Finding]:
    """Check that no agency's webhook was given up."""
    feed = connect(home.mongo_uri, database_name("feed", home.namespace))
    try:
        rows = feed["agency"].find({"state.status": "active", "state.webhook": "given_up"}, {"_id": 1}).sort("_id", 1)
        names = [row["_id"] for row in rows]
    except PyMongoError as error:
        yield _answer("webhooks", f"cannot be looked at ({type(error).__name__})", "all called", "look to the database")
        return
    found = f"given up: {', '.join(names)}" if names else ""
    remedy = "when the agency has repaired it: niangjia agencies webhook NAME --on"
    yield _answer("webhooks", found, "all called", remedy)


def _dead_letters(home: Home, service: str) -> int:
    return Parking(connect(home.mongo_uri, database_name(service, home.namespace)), ()).count_dead()


def _rebuilding(home: Home, service: str) -> Rebuilding:
    return Rebuilding(connect(home.mongo_uri, database_name(service, home.namespace)))


def _answer(name: str, trouble: str, expected: str, remedy: str) -> Finding:
    return Finding(
        name=name,
        well=not trouble,
        expected=expected,
        found=trouble or "as expected",
        remedy=remedy if trouble else "",
    )


def _files(folder: Path) -> list[Path]:
    return sorted(file for file in folder.iterdir() if file.is_file()) if folder.is_dir() else []
