"""What a page is made of, written as Markdown or as HTML: headings, paragraphs, tables, code.

In texts, what stands between two ` is code; nothing else has a meaning.
"""

import re
from collections.abc import Iterable, Sequence
from html import escape
from typing import Final

from msgspec import Struct

_CODE: Final = re.compile(r"`([^`]+)`")
#: Readable on every screen, in the colours that the reader chose.
_STYLE: Final = (
    ":root{color-scheme:light dark}body{font:1rem/1.6 system-ui,sans-serif;margin:0 auto;max-width:70rem;padding:1rem}"
    "table{border-collapse:collapse}th,td{border:1px solid;padding:.3rem .6rem;text-align:left;vertical-align:top}"
    "thead th{white-space:nowrap}.wide{overflow-x:auto}"
)


class Heading(Struct, frozen=True):
    """A heading; level 1 stands once, at the top."""

    text: str
    level: int = 2


class Paragraph(Struct, frozen=True):
    """One paragraph."""

    text: str


class Table(Struct, frozen=True):
    """A table; the first cell of a row says what the row is about."""

    head: Sequence[str]
    rows: Sequence[Sequence[str]]


class Listing(Struct, frozen=True):
    """Code as it is written."""

    text: str
    language: str


Block = Heading | Paragraph | Table | Listing


def markdown(blocks: Iterable[Block]) -> str:
    """Return a page as Markdown."""
    return "\n\n".join(map(_as_markdown, blocks)) + "\n"


def html(blocks: Sequence[Block], language: str) -> str:
    """Return a page as an HTML document that needs neither script nor anything from elsewhere."""
    title = next((block.text for block in blocks if isinstance(block, Heading)), "")
    body = "\n".join(map(_as_html, blocks))
    return (
        f'<!doctype html>\n<html lang="{escape(language)}">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n<main>\n{body}\n</main>\n"
        "</body>\n</html>\n"
    )


def _as_markdown(block: Block) -> str:
    match block:
        case Heading():
            return f"{'#' * block.level} {block.text}"
        case Paragraph():
            return block.text
        case Listing():
            return f"```{block.language}\n{block.text}\n```"
        case Table():
            lines = [block.head, ["---"] * len(block.head), *block.rows]
            return "\n".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |" for line in lines)


def _as_html(block: Block) -> str:
    match block:
        case Heading():
            return f"<h{block.level}>{_inline(block.text)}</h{block.level}>"
        case Paragraph():
            return f"<p>{_inline(block.text)}</p>"
        case Listing():
            return f'<div class="wide" tabindex="0"><pre><code>{escape(block.text)}</code></pre></div>'
        case Table():
            head = "".join(f'<th scope="col">{_inline(cell)}</th>' for cell in block.head)
            rows = "\n".join(map(_row, block.rows))
            table = f"<table>\n<thead><tr>{head}</tr></thead>\n<tbody>\n{rows}\n</tbody>\n</table>"
            return f'<div class="wide" tabindex="0">{table}</div>'


def _row(cells: Sequence[str]) -> str:
    first, *others = map(_inline, cells)
    return f'<tr><th scope="row">{first}</th>{"".join(f"<td>{cell}</td>" for cell in others)}</tr>'


def _inline(text: str) -> str:
    return _CODE.sub(lambda found: f"<code>{found[1]}</code>", escape(text))
