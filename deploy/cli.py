"""The `niangjia` command line: finds the commands, and turns whatever goes wrong into one line.

A command is a module in `deploy/commands/` whose `command` is a click command or group; it is called as the module
is, with `_` written as `-`. Modules are imported only when they are called, so that each command starts quickly.
"""

import os
import sys
import traceback
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules

import click
from dotenv import load_dotenv

from deploy.home import Home
from deploy.problem import Problem
from shared.runtime.variables import BY_NAME, SettingError

PREFIX = "NIANGJIA"

_COMMANDS = Path(__file__).parent / "commands"
_INTERRUPTED = 130


class Commands(click.Group):
    """Loads each command when it is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of all commands."""
        return sorted(module.name.replace("_", "-") for module in iter_modules([str(_COMMANDS)]))

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return a command, its options ready to show their environment variables."""
        if cmd_name not in self.list_commands(ctx):
            return None
        command: click.Command = import_module(f"deploy.commands.{cmd_name.replace('-', '_')}").command
        _give_variables(command, PREFIX, cmd_name)
        return command


def _give_variables(command: click.Command, *path: str) -> None:
    """Let every option be given by a variable named after command and option, and show it in the help."""
    for option in command.params:
        if isinstance(option, click.Option):
            name = next(name for name in option.opts if name.startswith("--"))
            option.envvar = "_".join((*path, name[2:])).replace("-", "_").upper()
            option.show_envvar = True
    if isinstance(command, click.Group):
        for name, child in command.commands.items():
            _give_variables(child, *path, name)


@click.command(
    cls=Commands,
    context_settings={
        "help_option_names": ["-h", "--help"],
        "max_content_width": 110,
        "show_default": True,
    },
    epilog="Exit code: 0 it went well, 1 it did not, 2 it was asked for wrongly.",
)
@click.option(
    "--home",
    "folder",
    envvar="NIANGJIA_HOME",
    default=BY_NAME["NIANGJIA_HOME"].default,
    show_envvar=True,
    help="Folder for everything that the system keeps.",
)
@click.pass_context
def niangjia(context: click.Context, folder: str) -> None:
    """Run, watch and use a Niangjia system.

    Broker, database and services are those that `niangjia up` started, or those that the environment names.
    """
    folder = folder.strip() or BY_NAME["NIANGJIA_HOME"].default
    os.environ["NIANGJIA_HOME"] = folder
    context.obj = Home.at(folder)


def run(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code; errors are one line on stderr."""
    try:
        load_dotenv(Path(".env").absolute())
        result = niangjia.main(args=arguments, prog_name="niangjia", standalone_mode=False)
        return result if isinstance(result, int) else 0
    except Problem as problem:
        return _say(str(problem), problem.exit_code)
    except SettingError as error:
        return _say(str(error), 2)
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message())
        return 2
    except click.UsageError as error:
        where = error.ctx.command_path if error.ctx else "niangjia"
        message = " ".join(error.format_message().split()).rstrip(".")
        return _say(f"{message}; see `{where} --help`", 2)
    except click.ClickException as error:
        return _say(error.format_message(), error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        return _say("stopped before it was done; nothing is lost, call it again", _INTERRUPTED)
    except BrokenPipeError:  # the reader, such as `head`, has seen enough
        sys.stderr.close()
        return 0
    except Exception as error:  # noqa: BLE001  a person gets a line; the rest is kept for whoever repairs it
        return _say(f"something unforeseen happened ({type(error).__name__}); {_keep_traceback()}", 1)


def main() -> None:
    """Run as a program."""
    sys.exit(run())


def _say(message: str, exit_code: int) -> int:
    click.echo(f"niangjia: {message}", err=True)
    return exit_code


def _keep_traceback() -> str:
    log = Path(os.environ.get("NIANGJIA_HOME") or BY_NAME["NIANGJIA_HOME"].default) / "log" / "niangjia.log"
    try:
        log.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with log.open("a", encoding="utf-8") as file:
            file.write(traceback.format_exc())
    except OSError:
        return "run it again, or report what you did"
    return f"look into {log}"


if __name__ == "__main__":
    main()
