"""Holds the broker to what feed has stored: also one that lost everything, or was away when something changed."""

from collections.abc import Callable, Collection, Mapping

from msgspec.structs import replace

from services.feed.access import Access
from services.feed.partners import Partners
from services.feed.standing import Standing


class Inspector:
    """Compares what the broker has with what it should have, and puts right what differs."""

    def __init__(self, partners: Partners) -> None:
        self._partners = partners
        self._strangers: frozenset[str] = frozenset()
        self._is_first = True

    def inspect(self, wanted: Callable[[], Collection[Access]]) -> list[str]:
        """Make the broker what it should be; return the agencies for which it was not.

        Args:
            wanted: tells what feed has stored. It is asked after the broker was looked at, so that what changes
                meanwhile either shows already, or is put right by whoever changes it.

        Raises:
            Unavailable, NotAdministrator: the broker does not do it; the next look does what was left.
        """
        if self._is_first or not self._partners.is_prepared:
            self._partners.prepare()
        found = self._partners.standings()
        accesses = {access.agency: access for access in wanted()}
        strangers = frozenset(found) - accesses.keys()
        # one that is just being added is in the broker first; it is stored when the next look comes
        gone = sorted(strangers & self._strangers)
        for agency in gone:
            self._partners.remove(agency)
        wrong = [access for access in accesses.values() if not self._is_right(found, access)]
        renewed = [access for access in wrong if self._partners.add(access)]
        if renewed:
            # who writes may not have seen that what it wrote is lost
            self._partners.interrupt_writer()
        self._strangers = strangers - set(gone)
        self._is_first = False
        return sorted([*gone, *(access.agency for access in wrong)])

    def _is_right(self, found: Mapping[str, Standing], access: Access) -> bool:
        standing, due = found.get(access.agency, Standing()), Standing.due(access)
        if standing.connections == 0 and due.connections and not self._is_first:
            # held off by the guard; what an earlier guard has left behind ends with the first look
            standing = replace(standing, connections=due.connections)
        return standing == due
