"""The language in which rules say when they hold."""

from pathlib import Path
from typing import Any

import pytest

from shared.rules import Subject, condition, read

CASE = Subject(
    categories=frozenset({"domestic_violence"}),
    factors=frozenset({"injury", "isolated"}),
    wishes=frozenset({"shelter"}),
    reasons=frozenset({"strangulation"}),
    channels=frozenset({"police_110", "visit"}),
    violence_channels=frozenset({"visit"}),
    consents=frozenset({"court"}),
    flags=frozenset({"danger_case"}),
    grade="orange",
)


def holds(folder: Path, when: str, case: Subject = CASE) -> bool:
    file = folder / "own.yml"
    file.write_text(f"when: {when}", encoding="utf-8")
    return condition(read(file).table("when"))(case)


@pytest.mark.parametrize(
    ("when", "expected"),
    [
        ("{category: domestic_violence}", True),
        ("{category: [other, domestic_violence]}", True),
        ("{category: other}", False),
        ("{category_kind: violence}", True),
        ("{category_kind: child}", False),
        ("{factor: injury}", True),
        ("{factor: stalking}", False),
        ("{wish: shelter}", True),
        ("{wish: legal_aid}", False),
        ("{reason: strangulation}", True),
        ("{reason: immediate_danger}", False),
        ("{grade: orange}", True),
        ("{grade: [yellow, red]}", False),
        ("{grade_at_least: yellow}", True),
        ("{grade_at_least: red}", False),
        ("{channel: police_110}", True),
        ("{violence_channel: police_110}", False),
        ("{consent: court}", True),
        ("{consent: police}", False),
        ("{flag: danger_case}", True),
        ("{flag: [child_case, danger_case]}", True),
        ("{flag: child_case}", False),
        ("{factors: {at_least: 2, at_most: 2}}", True),
        ("{factors: {at_least: 3}}", False),
        ("{not: {factor: injury}}", False),
        ("{any: [{factor: stalking}, {factor: injury}]}", True),
        ("{all: [{factor: stalking}, {factor: injury}]}", False),
        ("{all: []}", True),
        ("{any: []}", False),
    ],
)
def test_each_word_of_the_language(tmp_path: Path, when: str, expected: Any) -> None:
    assert holds(tmp_path, when) is expected
