"""A page on a terminal."""

import re
from collections.abc import Iterable
from typing import Final

from rich.console import Console
from rich.markup import escape
from rich.table import Table as RichTable

from services.feed.block import Block, Heading, Paragraph, Table

_CODE: Final = re.compile(r"`([^`]+)`")
_COLOURS: Final = {"red": "red", "orange": "dark_orange", "yellow": "yellow", "blue": "blue"}


def show(blocks: Iterable[Block], console: Console) -> None:
    """Print a page."""
    for block in blocks:
        match block:
            case Heading(text, level):
                console.print(f"[bold]{_plain(text)}[/bold]" if level < 3 else _plain(text))
            case Paragraph(text):
                console.print(_plain(text))
            case Table(head, rows):
                table = RichTable(*map(escape, head), box=None, pad_edge=False)
                for row in rows:
                    table.add_row(*map(_coloured, row))
                console.print(table)
            case _:
                continue
        if not isinstance(block, Heading):
            console.print()


def _coloured(cell: str) -> str:
    code = _plain(cell)
    return f"[{_COLOURS[code]}]{code}[/]" if code in _COLOURS else code


def _plain(text: str) -> str:
    return escape(_CODE.sub(r"\1", text))
