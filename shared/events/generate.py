"""Writes the reference of the events, or says which of its files are stale.

python -m shared.events.generate [--check] [--to FOLDER]
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import orjson
import yaml

from shared.events.asyncapi import asyncapi
from shared.events.catalogue import CATALOGUE, Catalogue
from shared.events.jsonschema import json_schema
from shared.events.reference import reference, schema_file

FOLDER = Path(__file__).parents[2] / "docs" / "reference" / "events"


class _Plain(yaml.SafeDumper):
    """Writes every value where it stands: a reader follows no anchors."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def documents(catalogue: Catalogue) -> dict[str, str]:
    """Return the text of each file of the reference by its path."""
    texts = {
        "README.md": reference(catalogue),
        "asyncapi.yaml": yaml.dump(asyncapi(catalogue), Dumper=_Plain, sort_keys=False, allow_unicode=True, width=120),
    }
    for declared in catalogue:
        schema = orjson.dumps(json_schema(declared), option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)
        texts[schema_file(declared)] = schema.decode()
    return texts


def stale(folder: Path, texts: dict[str, str]) -> list[str]:
    """Return the files that are missing, differ, or have no business in the folder."""
    wrong = [path for path, text in texts.items() if not _same(folder / path, text)]
    found = (path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    return sorted([*wrong, *(path for path in found if path not in texts)])


def write(folder: Path, texts: dict[str, str]) -> list[str]:
    """Bring the folder up to date and return the files that were stale."""
    changed = stale(folder, texts)
    for path in changed:
        target = folder / path
        if path in texts:
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(texts[path], encoding="utf-8")
        else:
            target.unlink()
    return changed


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; returns 1 when `--check` finds a stale file."""
    parser = argparse.ArgumentParser(prog="python -m shared.events.generate", description=__doc__.split("\n")[0])
    parser.add_argument("--check", action="store_true", help="write nothing; fail if a file is stale")
    parser.add_argument("--to", type=Path, default=FOLDER, metavar="FOLDER", help="where the reference lies")
    options = parser.parse_args(arguments)
    texts = documents(CATALOGUE)
    changed = stale(options.to, texts) if options.check else write(options.to, texts)
    for path in changed:
        sys.stdout.write(f"{'stale' if options.check else 'written'}: {options.to / path}\n")
    if options.check and changed:
        sys.stdout.write("run `python -m shared.events.generate` and commit what it writes\n")
        return 1
    return 0


def _same(path: Path, text: str) -> bool:
    return path.is_file() and path.read_text(encoding="utf-8") == text


if __name__ == "__main__":
    raise SystemExit(main())
