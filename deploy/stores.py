"""What the services have stored, read from outside of them: beside a home folder, or from within a compose network."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property
from itertools import islice
from typing import TypeVar

from pymongo import MongoClient
from pymongo.errors import OperationFailure, PyMongoError

from deploy.home import Home
from deploy.problem import Problem
from shared.privacy import Key, SealBroken
from shared.runtime.database import Document, connect, is_away
from shared.runtime.inbox import Inbox
from shared.runtime.journal import Journal
from shared.runtime.keyring import KeyRing
from shared.runtime.parking import Parking
from shared.runtime.settings import Settings
from shared.runtime.variables import SERVICES

#: So many documents are asked for by their ids at once.
AT_ONCE = 500


class Store:
    """The database of one service."""

    def __init__(self, settings: Settings, client: MongoClient[Document]) -> None:
        self.settings = settings
        self.service = settings.service
        self.database = client[settings.database]
        self.inbox = Inbox(self.database)
        # The delays count only for who parks an event; nobody does so from here.
        self.parking = Parking(self.database, ())

    @cached_property
    def master(self) -> Key:
        """The master key.

        Raises:
            SettingError: it is not there.
        """
        return Key(self.settings.key("master"))

    @cached_property
    def keys(self) -> KeyRing:
        """The keys of the cases, opened with the master key."""
        return KeyRing(self.database, self.service, self.master)

    @cached_property
    def journal(self) -> Journal:
        """The journal, its private data opened with those keys."""
        return Journal(self.database, self.service, self.keys)

    @property
    def published(self) -> int:
        """The number up to which the journal is known to be published."""
        row = self.database["relay"].find_one({"_id": "relay"}, {"published": 1})
        return int(row.get("published", 0)) if row else 0

    def entries(self, numbers: Sequence[int]) -> dict[int, Document]:
        """Return, by their numbers, the journal's entries that begin with these events."""
        return {entry["_id"]: entry for entry in self.journal.entries.find({"_id": {"$in": list(numbers)}})}

    def load_keys(self, owners: Iterable[str]) -> list[str]:
        """Fetch keys before they are used; return the owners whose key cannot be opened."""
        owners = list(owners)
        try:
            self.keys.load(owners)
        except SealBroken:
            if len(owners) == 1:
                return owners
            return [broken for owner in owners for broken in self.load_keys([owner])]
        return []

    def check_master(self) -> None:
        """Make sure that the master key is the one with which the service stores.

        Raises:
            SealBroken: it opens none of a few keys of cases.
        """
        broken: SealBroken | None = None
        for row in self.database["keys"].find({"wrapped": {"$exists": True}}).limit(5):
            try:
                self.master.unwrap(row["wrapped"], f"{self.service}/{row['_id']}")
                return
            except SealBroken as error:
                broken = error
        if broken is not None:
            raise broken


_T = TypeVar("_T")


def chunks(rows: Iterable[_T]) -> Iterator[list[_T]]:
    """Cut rows into lists of `AT_ONCE`."""
    rest = iter(rows)
    while chunk := list(islice(rest, AT_ONCE)):
        yield chunk


#: Stores by the name of their service.
Stores = Mapping[str, Store]


@contextmanager
def opened(home: Home) -> Iterator[Stores]:
    """Give the stores of all services.

    Raises:
        Problem: the database does not answer, or the master key is not the right one.
    """
    first = settings_of(home, SERVICES[0])
    client = connect(first.mongo_uri, first.database).client
    try:
        yield {service: Store(settings_of(home, service), client) for service in SERVICES}
    except SealBroken:
        raise wrong_master(home) from None
    except PyMongoError as error:
        raise Problem(trouble(error), "see `niangjia doctor`") from None
    finally:
        client.close()


def settings_of(home: Home, service: str) -> Settings:
    """Return the settings of a service as far as its stores and queues are concerned."""
    return Settings(
        service=service,
        amqp_uri=home.amqp_uri,
        mongo_uri=home.mongo_uri,
        secrets=home.keys,
        namespace=home.namespace,
        outbox="off",
    )


def trouble(error: PyMongoError) -> str:
    """Say why the database cannot be used, without its address."""
    if is_away(error):
        return "the database is away"
    if isinstance(error, OperationFailure) and error.code in {13, 18}:
        return "the database refuses this user"
    return f"the database cannot be read ({type(error).__name__})"


def wrong_master(home: Home) -> Problem:
    """Return the error of a master key that does not open what is stored."""
    return Problem(
        f"the master key in {home.keys} does not open what is stored",
        "name the folder of the keys with which it was stored in NIANGJIA_SECRETS",
    )
