"""The last words of a process, for a person: without the frames of a traceback."""

import json
from collections import deque
from pathlib import Path

_READ_LINES = 200
_FRAME_STARTS = ("Traceback (", "During handling of", "The above exception")


def last_words(log: Path, lines: int = 5) -> list[str]:
    """Return the last lines of a log that say something; nothing when there is no log."""
    try:
        with log.open(encoding="utf-8", errors="replace") as file:
            read = deque(file, maxlen=_READ_LINES)
    except OSError:
        return []
    told = [words for line in read if (words := _words(line.rstrip()))]
    return told[-lines:]


def _words(line: str) -> str:
    if not line.strip() or line[0].isspace() or line.startswith(_FRAME_STARTS):
        return ""
    if not line.startswith("{"):
        return line
    try:
        entry = json.loads(line)
    except ValueError:
        return line
    # mongod writes its message as "msg", the services theirs as "event"
    message = entry.get("event") or entry.get("msg") or ""
    reason = entry.get("error") or entry.get("reason") or ""
    level = entry.get("level") or entry.get("s") or ""
    return " ".join(str(part) for part in (level, message, reason) if part)
