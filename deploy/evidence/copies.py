"""Copies of the anchors in a folder: whoever changes the database does not reach them when they are kept elsewhere."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from deploy.evidence.anchor import Anchor
from deploy.evidence.verify_bundle import KEY, pem
from deploy.files import make_folder, write_private
from deploy.problem import Problem


class Copies:
    """A folder with a folder for each service: one file for each anchor, one for its stamp, and the public key."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def check(self, service: str, anchors: Sequence[Anchor]) -> None:
        """Let pass when every copy is that of an anchor.

        Raises:
            Problem: one is of an anchor that is not there, or is another.
        """
        known = {anchor.number: anchor.line for anchor in anchors}
        for number, file in self._files(service):
            if file.read_bytes().rstrip(b"\n") != known.get(number):
                raise Problem(
                    f"anchor {number} of {service} is not in the database as it stands in {file}",
                    "one of them was changed, or the database was restored from an older copy; find out which, "
                    "and move the file elsewhere",
                )

    def keep(self, service: str, anchors: Sequence[Anchor], key: bytes) -> None:
        """Write the copies that are missing."""
        folder = self._folder / service
        for made in (self._folder, folder):
            make_folder(made)
        write_private(self._folder / KEY, pem(key))
        there = dict(self._files(service))
        for anchor in anchors:
            if anchor.number not in there:
                write_private(folder / f"{anchor.number:06}.json", anchor.line + b"\n")
            stamp = folder / f"{anchor.number:06}.tst"
            if anchor.token and not stamp.exists():
                write_private(stamp, anchor.token)

    def _files(self, service: str) -> Iterator[tuple[int, Path]]:
        for file in sorted((self._folder / service).glob("*.json")):
            if file.stem.isdecimal():
                yield int(file.stem), file
