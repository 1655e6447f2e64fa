"""A process that the process manager starts, restarts when it dies, and stops."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from deploy.home import Home
from deploy.problem import Problem

#: Kept of the output of one process: this much, and as much in each of the older files.
_LOG_SIZE = "10MB"
_OLDER_LOGS = 3
#: Tries to start before the manager gives up. Each waits a second longer than the one before, so this many last
#: for days: nobody has to restart anything by hand because a disk was full over night.
_TRIES = 500
SERVICES_PRIORITY = 900
_FIRST = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """One process, as the process manager has to know it."""

    name: str
    command: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict)
    #: Started together with the manager; otherwise by `niangjia up` when its time has come.
    starts_first: bool = False
    #: Seconds it must stay up to count as started; one that dies earlier is tried again with growing delay.
    settles_after: int = 5
    #: Seconds it may take to finish what it has in hand after SIGTERM.
    stops_within: int = 60

    def section(self, home: Home) -> str:
        """Return its part of the configuration of the process manager.

        Raises:
            Problem: a variable holds what cannot be written there.
        """
        for name, value in self.environment.items():
            if '"' in value or "\n" in value:
                raise Problem(f"{name} holds a quotation mark or a new line", "write it without")
        environment = ",".join(f'{name}="{_escaped(value)}"' for name, value in sorted(self.environment.items()))
        return "\n".join(
            (
                f"[program:{self.name}]",
                f"command={_escaped(' '.join(_quoted(word) for word in self.command))}",
                f"directory={_escaped(str(home.root))}",
                f"environment={environment}",
                # what has the lowest number is stopped last
                f"priority={_FIRST if self.starts_first else SERVICES_PRIORITY}",
                f"autostart={str(self.starts_first).lower()}",
                "autorestart=true",
                f"startsecs={self.settles_after}",
                f"startretries={_TRIES}",
                f"stopwaitsecs={self.stops_within}",
                "killasgroup=true",
                "redirect_stderr=true",
                f"stdout_logfile={_escaped(str(self.log(home)))}",
                f"stdout_logfile_maxbytes={_LOG_SIZE}",
                f"stdout_logfile_backups={_OLDER_LOGS}",
                "",
            )
        )

    def log(self, home: Home) -> Path:
        """Return the file that takes its output."""
        return home.log / f"{self.name}.log"


def _quoted(word: str) -> str:
    return f'"{word}"' if " " in word else word


def _escaped(value: str) -> str:
    return value.replace("%", "%%")
