"""What the database says when two processes commit at the same moment, told apart from everything else."""

from pymongo.errors import AutoReconnect, BulkWriteError, DuplicateKeyError, OperationFailure, PyMongoError

from shared.runtime.database import is_away

_DUPLICATE = 11_000
#: How the database names the number of an entry in what it says of a duplicate.
_NUMBER_TAKEN = ".journal index: _id_ "
#: The look's moment can no longer be seen: too long ago, or a collection or an index was made since, as happens while
#: another process starts.
_SNAPSHOT_GONE = frozenset({239, 246})


class Collision(Exception):
    """Another process committed first, or the transaction was interrupted; the same again may work.

    Args:
        doubted: something else than the number of the next entry was there already; when it is there again after a
            fresh look, the message itself is at fault.
    """

    def __init__(self, *, doubted: bool = False) -> None:
        super().__init__()
        self.doubted = doubted


def collision(error: PyMongoError) -> Collision | None:
    """Return the collision that an error means, if the same transaction may succeed when it is tried again at once."""
    if error.has_error_label("TransientTransactionError"):
        # One broken connection says nothing of the next; whatever else is away stays so for a while.
        return Collision() if type(error) is AutoReconnect or not is_away(error) else None
    if isinstance(error, OperationFailure) and error.code in _SNAPSHOT_GONE:
        return Collision()
    if isinstance(error, DuplicateKeyError):
        return Collision(doubted=True)
    if isinstance(error, BulkWriteError):
        faults = (error.details or {}).get("writeErrors", ())
        said = [str(fault.get("errmsg")) for fault in faults if fault.get("code") == _DUPLICATE]
        return Collision(doubted=not any(_NUMBER_TAKEN in one for one in said)) if said else None
    return None
