"""Makes the database of a system of containers a replica set, and its users, where they are missing.

Runs in the network of the database's container, because mongod lets only its own machine make the first user.
"""

import sys
import time

from pymongo.errors import PyMongoError

from deploy import database
from deploy.docker.secrets import DATABASE, HOME
from deploy.home import Home

#: A database that was killed first puts its journal in order.
_PATIENCE_SECONDS = 120
_PAUSE_SECONDS = 0.5


def main() -> int:
    """Set up, and return the exit code."""
    host, port = DATABASE
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while True:
        try:
            database.set_up(Home.at(HOME), {database.NAME: port}, host)
            return 0
        except PyMongoError as error:
            if time.monotonic() > deadline:
                sys.stderr.write(f"replica-set: the database cannot be set up: {error}\n")
                return 1
        time.sleep(_PAUSE_SECONDS)


if __name__ == "__main__":
    sys.exit(main())
