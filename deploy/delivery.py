"""Files of JSON lines on their way into a service: with a progress bar, counts, and a file of what was refused."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from time import monotonic
from typing import Any

import click
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from deploy.lines import read
from deploy.rejects import Rejects, reject
from deploy.sending import Reply, Sending

_SUFFIX = ".rejects.ndjson"


@dataclass(slots=True, kw_only=True)
class Count:
    """What became of the lines."""

    lines: int = 0
    accepted: int = 0
    #: Accepted, and the same as an earlier line of this delivery.
    repeated: int = 0
    rejected: int = 0
    seconds: float = 0.0
    #: Where the rejects are written down; None where there are none, or where that was not possible.
    rejects: str | None = None

    def as_json(self) -> dict[str, Any]:
        """Return it as JSON types."""
        return {
            "lines": self.lines,
            "accepted": self.accepted,
            "repeated": self.repeated,
            "rejected": self.rejected,
            "rejects": self.rejects,
            "seconds": round(self.seconds, 3),
        }

    def sentence(self, noun: str) -> str:
        """Return it in words."""
        repeated = f" ({self.repeated} the same as an earlier line)" if self.repeated else ""
        refused = f"{self.rejected} refused" + (f" (see {self.rejects})" if self.rejects else "")
        return f"{noun}: {self.lines} sent, {self.accepted} accepted{repeated}, {refused}; {self.seconds:.1f} s"


class Delivery:
    """Files that go to one service.

    Args:
        files: in the order in which they are sent.
        rejects: where to write down what was refused; None: named after the first file, in the current folder, or
            told where that is no file but a pipe.
        same: field of an answer by which two lines that brought about the same are known.
    """

    def __init__(self, files: Sequence[Path], rejects: Path | None, same: str) -> None:
        self._files = files
        self._rejects = rejects or (Path(f"{files[0].name}{_SUFFIX}") if files[0].is_file() else None)
        self._same = same
        self._seen: set[int] = set()
        self._count = Count()
        self._console = Console(stderr=True)
        #: Tells a person something on the way, without spoiling the bar.
        self.say: Callable[[str], None] = partial(self._console.print, highlight=False, markup=False, soft_wrap=True)

    def through(self, sending: Sending, *, concurrency: int = 1) -> Count:
        """Send everything and return what became of it.

        Raises:
            Problem: a file cannot be read, or the service is away for too long.
        """
        began = monotonic()
        total = sum(file.stat().st_size for file in self._files)
        with self._bar() as bar, Rejects(self._rejects, self.say) as rejects:
            task = bar.add_task("", total=total, accepted=0, refused=0)
            lines = read(self._files, lambda size: bar.advance(task, size))
            for reply in sending.send(lines, concurrency=concurrency):
                self._add(reply)
                if not reply.accepted:
                    rejects.add(reject(reply.line.file, reply.line.number, reply.content))
                bar.update(task, accepted=self._count.accepted, refused=self._count.rejected)
        self._count.seconds = monotonic() - began
        self._count.rejects = str(rejects.written) if rejects.written else None
        return self._count

    def _add(self, reply: Reply) -> None:
        count = self._count
        count.lines += 1
        if reply.accepted:
            count.accepted += 1
            mark = hash(reply.content.get(self._same))
            count.repeated += mark in self._seen
            self._seen.add(mark)
        else:
            count.rejected += 1

    def _bar(self) -> Progress:
        return Progress(
            BarColumn(),
            TaskProgressColumn(),
            TextColumn("{task.fields[accepted]} accepted, {task.fields[refused]} refused"),
            TimeRemainingColumn(),
            console=self._console,
            disable=not self._console.is_terminal,
            transient=True,
        )


#: The files that a command sends.
FILES = click.argument(
    "files",
    metavar="FILE...",
    nargs=-1,
    required=True,
    type=click.Path(exists=True, dir_okay=False, readable=True, path_type=Path),
)
REJECTS = click.option(
    "--rejects",
    type=click.Path(dir_okay=False, path_type=Path),
    show_default=f"<first file>{_SUFFIX} in the current folder; stderr where the lines come through a pipe",
    help="File for what was refused: file, line, field and reason, never the content. An older one is replaced.",
)
TIMEOUT = click.option(
    "--timeout",
    type=click.FloatRange(min=0),
    default=120,
    help="Seconds that the service may be away at a time; what got no answer is sent again.",
)
