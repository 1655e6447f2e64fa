"""Files that only their owner may read."""

import os
from pathlib import Path
from tempfile import mkstemp

from deploy.problem import Problem


def make_folder(path: Path) -> None:
    """Make a folder (mode 0700) where there is none.

    Raises:
        Problem: it cannot be made, or belongs to somebody else.
    """
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise Problem(f"{path} cannot be made a folder ({error.strerror})", "set NIANGJIA_HOME to another") from None
    if path.stat().st_uid != os.getuid():
        raise Problem(f"{path} belongs to another user", "run as that user, or set NIANGJIA_HOME to another folder")


def write_private(path: Path, content: str | bytes, *, mode: int = 0o600) -> None:
    """Put a file in its place as a whole, readable by its owner alone."""
    handle, temporary = mkstemp(dir=path.parent, prefix=f".{path.name}.")
    with os.fdopen(handle, "wb") as file:
        file.write(content.encode() if isinstance(content, str) else content)
    Path(temporary).chmod(mode)
    Path(temporary).replace(path)


def keep_private(path: Path, content: str) -> None:
    """Put a file in its place, readable by its owner alone, unless it is there: what was generated stays."""
    if path.exists():
        return
    write_private(path, content)
