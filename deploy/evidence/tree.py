"""A Merkle tree over the events of a journal (RFC 6962): its root at any size, and paths that lead there."""

from hashlib import sha256

from deploy.evidence.verify_bundle import node_hash

_HASH = 32


class Tree:
    """Grows by leaves; every complete subtree is hashed once."""

    def __init__(self) -> None:
        #: By height: the hashes of the complete subtrees, in a row.
        self._levels: list[bytearray] = [bytearray()]

    def __len__(self) -> int:
        return len(self._levels[0]) // _HASH

    def add(self, leaf: bytes) -> None:
        """Add the hash of a leaf."""
        for height, level in enumerate(self._levels):
            level += leaf
            if len(level) // _HASH % 2:
                return
            leaf = node_hash(bytes(level[-2 * _HASH : -_HASH]), leaf)
            if height + 1 == len(self._levels):
                self._levels.append(bytearray(leaf))
                return

    def root(self, size: int) -> bytes:
        """Return the root of the tree as it was with `size` leaves."""
        return self._hash(0, size) if size else sha256().digest()

    def inclusion(self, index: int, size: int) -> list[bytes]:
        """Return the path from a leaf to the root of the tree with `size` leaves."""
        return self._path(index, 0, size)

    def growth(self, size: int, later: int) -> list[bytes]:
        """Return the path that proves the tree of `size` leaves to be the beginning of a later one."""
        return self._proof(size, 0, later, is_whole=True) if size < later else []

    def _hash(self, begin: int, end: int) -> bytes:
        """Return the hash of the leaves from `begin` to `end`, which the tree has as a subtree."""
        size = end - begin
        height = size.bit_length() - 1
        if size == 1 << height:
            at = (begin >> height) * _HASH
            return bytes(self._levels[height][at : at + _HASH])
        middle = begin + _split(size)
        return node_hash(self._hash(begin, middle), self._hash(middle, end))

    def _path(self, index: int, begin: int, end: int) -> list[bytes]:
        if end - begin == 1:
            return []
        middle = begin + _split(end - begin)
        if index < middle:
            return [*self._path(index, begin, middle), self._hash(middle, end)]
        return [*self._path(index, middle, end), self._hash(begin, middle)]

    def _proof(self, size: int, begin: int, end: int, *, is_whole: bool) -> list[bytes]:
        """Return the proof for the first leaves, up to `size`, of a subtree (RFC 6962, 2.1.2)."""
        if size == end:
            return [] if is_whole else [self._hash(begin, end)]
        middle = begin + _split(end - begin)
        if size <= middle:
            return [*self._proof(size, begin, middle, is_whole=is_whole), self._hash(middle, end)]
        return [*self._proof(size, middle, end, is_whole=False), self._hash(begin, middle)]


def _split(size: int) -> int:
    """Return the largest power of two below a size."""
    return 1 << ((size - 1).bit_length() - 1)
