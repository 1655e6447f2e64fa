"""An agreement is read strictly, and every place in it is known by its line."""

from pathlib import Path

import pytest

from deploy import agreement_file
from deploy.problem import Problem

AGREEMENT = """\
# an agreement of one city
agency: police
version: 1
valid: {from: 2026-01-01, until: 2026-12-31}
grants:
  - event: referral.requested
    purpose: protect
    fields:
      - referral_id
      - finish_by
  - event: risk.escalated
    purpose: protect
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "own.yml"
    path.write_text(AGREEMENT, encoding="utf-8")
    return path


def test_it_becomes_what_json_has(file: Path) -> None:
    content = agreement_file.read(str(file)).content

    assert content["valid"] == {"from": "2026-01-01", "until": "2026-12-31"}
    assert content["version"] == 1
    assert content["grants"][0]["fields"] == ["referral_id", "finish_by"]


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ("agency", 2),
        ("valid.until", 4),
        ("grants", 5),
        ("grants[0]", 6),
        ("grants[0].purpose", 7),
        ("grants[0].fields[1]", 10),
        ("grants.0.fields.1", 10),
        ("grants[1].fields", 11),
        ("title", 2),
        ("", 2),
    ],
)
def test_a_place_is_told_by_its_line_or_that_of_what_is_around_it(file: Path, path: str, line: int) -> None:
    assert agreement_file.read(str(file)).place(path) == f"line {line}"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: [1\nb: 2\n", r"own\.yml line 2: not YAML \("),
        ("agency: police\nagency: court\n", r"own\.yml line 2: 'agency' stands twice"),
        ("a: 1\n1: b\n", r"own\.yml line 2: a key must be a text; write it in quotation marks"),
        ("? [a]\n: b\n", r"own\.yml line 1: a key must be a text"),
        ("a: &x\n  b: *x\n", r"own\.yml line \d: holds itself"),
        ("- a\n", r"own\.yml: must be a mapping"),
        ("", r"own\.yml: must be a mapping"),
        ("a: !!python/object/apply:os.system [id]\n", r"own\.yml line 1: .* has no meaning here"),
        ("a: !command id\n", r"own\.yml line 1: not YAML"),
        ("a: \x07\n", r"own\.yml: not YAML"),
        ("a: 1\n---\nb: 2\n", r"own\.yml line 2: not YAML"),
    ],
)
def test_what_cannot_be_an_agreement_is_refused_with_file_and_line(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "own.yml"
    path.write_text(text, encoding="utf-8")

    with pytest.raises(Problem, match=said) as raised:
        agreement_file.read(str(path))
    assert raised.value.remedy == "correct it; nothing was added"


def test_what_is_no_text_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "own.yml"
    path.write_bytes(b"title: \xff\xfe")

    with pytest.raises(Problem, match="not text in UTF-8"):
        agreement_file.read(str(path))


def test_a_file_that_is_not_there_is_named_with_the_agreements_that_ship() -> None:
    with pytest.raises(Problem, match=r"nowhere\.yml cannot be read .*police") as raised:
        agreement_file.read("nowhere.yml")
    assert raised.value.exit_code == 2


@pytest.mark.parametrize("kind", agreement_file.kinds())
def test_a_bare_kind_names_the_agreement_that_ships(kind: str) -> None:
    read = agreement_file.read(kind)

    assert read.name == f"{kind}.yml"
    assert read.content["agency"] == kind
