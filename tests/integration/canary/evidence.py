"""Everything that a system leaves where somebody might look: on the bus, in logs, figures, databases and files."""

import mmap
from base64 import b64encode
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from urllib.parse import quote

from bson.raw_bson import RawBSONDocument
from kombu import Connection
from pymongo import MongoClient

from shared.runtime.auth import Role
from shared.runtime.variables import SERVICES
from tests.faults.installation import Installation


def forms(text: str) -> Iterator[bytes]:
    """Yield what a text may look like in a file or a message."""
    utf8 = text.encode()
    yield utf8
    yield text.encode("utf-16-le")
    yield text.encode("gb18030")
    yield text.encode("unicode_escape")
    yield quote(text).encode()
    yield utf8.hex().encode()
    for shift in range(3):  # wherever it begins within what was encoded; the ends depend on what stands beside it
        encoded = b64encode(b"\0" * shift + utf8)
        yield encoded[-(-8 * shift // 6) : 8 * (shift + len(utf8)) // 6]


def found_in(content: "bytes | mmap.mmap", needles: Mapping[str, str], stems: Sequence[str]) -> list[str]:
    """Return the names of the needles that stand in a content, in whatever form.

    Args:
        content: where to look.
        needles: what to look for.
        stems: each needle holds one of them; they are looked for first, because that is quick.
    """
    if not any(content.find(form) >= 0 for stem in stems for form in forms(stem)):
        return []
    return [name for name, text in needles.items() if any(content.find(form) >= 0 for form in forms(text))]


class Evidence:
    """Reads the places one after the other."""

    def __init__(self, installation: Installation) -> None:
        self._installation = installation

    def messages(self) -> Iterator[tuple[str, bytes]]:
        """Yield all messages that lie in any queue, with their headers."""
        with Connection(self._installation.home.amqp_uri) as connection:
            channel = connection.channel()
            for queue in self._queues():
                while message := channel.basic_get(queue, no_ack=True):
                    said = f"{message.headers} {message.properties} {message.delivery_info}".encode()
                    body = message.body
                    yield queue, said + (body.encode() if isinstance(body, str) else bytes(body))

    def files(self, folder: Path) -> Iterator[tuple[str, "bytes | mmap.mmap"]]:
        """Yield the files of a folder, as they lie on the disk."""
        for path in sorted(folder.rglob("*")):
            if path.is_file() and path.stat().st_size:
                with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
                    yield str(path.relative_to(folder)), content

    def documents(self) -> Iterator[tuple[str, bytes]]:
        """Yield every document of every database of the system, as BSON."""
        uri = self._installation.home.mongo_uri
        with MongoClient(uri, document_class=RawBSONDocument) as client:
            for service in SERVICES:
                database = client[f"niangjia_{service}"]
                for name in database.list_collection_names():
                    for document in database[name].find():
                        yield f"{service}.{name}", document.raw

    def answers(self) -> Iterator[tuple[str, bytes]]:
        """Yield what every service tells a person who keeps the system running."""
        session = self._installation.caller(Role.ADMIN)
        for service, url in self._installation.home.service_urls().items():
            for path in ("/health", "/metrics"):
                yield f"{service}{path}", session.get(url + path, timeout=30).content
        session.close()

    def printed(self) -> Iterator[tuple[str, bytes]]:
        """Yield what the command line tells."""
        commands = [["status", "--json"], ["verify", "--json"], ["dead-letters", "list", "--json"]]
        commands += [["events", "export", "--service", service] for service in SERVICES]
        for command in commands:
            yield " ".join(command), self._installation.niangjia(*command).encode()

    def _queues(self) -> list[str]:
        return [f"spy.on.{service}" for service in SERVICES]
