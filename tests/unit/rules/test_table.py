"""Rule files are read strictly."""

from pathlib import Path

import pytest

from shared.rules import RuleError, condition, read


def written(folder: Path, text: str) -> Path:
    file = folder / "own.yml"
    file.write_text(text, encoding="utf-8")
    return file


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[]", "must be a mapping"),
        ("a: [", "not YAML"),
        ("a: 1\na: 2", "stands twice"),
        ("1: a", "a key must be a text"),
        ("b: 1", "'a' is missing"),
    ],
)
def test_what_is_no_rule_file_is_an_error_that_names_it(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(RuleError, match=said) as error:
        read(written(tmp_path, text)).text("a")
    assert error.value.where.startswith("own.yml")


def test_a_key_that_nobody_reads_is_an_error(tmp_path: Path) -> None:
    table = read(written(tmp_path, "a: x\nb: y"))
    table.text("a")
    with pytest.raises(RuleError, match=r"own\.yml line 1: unknown: b"):
        table.end()


@pytest.mark.parametrize(
    "when",
    [
        "{}",
        "{factor: injury, wish: shelter}",
        "{colour: red}",
        "{factor: beaten}",
        "{factor: []}",
        "{any: {factor: injury}}",
        "{not: [{factor: injury}]}",
        "{category_kind: cruelty}",
        "{flag: urgent}",
        "{factors: {at_leats: 3}}",
        "{factors: {at_least: three}}",
        "{violence_reports: {at_least: 0, within_days: 30}}",
        "{violence_reports: {at_least: 2}}",
    ],
)
def test_a_condition_that_cannot_be_meant_is_an_error_with_its_line(tmp_path: Path, when: str) -> None:
    table = read(written(tmp_path, f"# rules\nwhen: {when}"))
    with pytest.raises(RuleError, match=r"own\.yml line 2"):
        condition(table.table("when"))


def test_the_citys_own_file_takes_the_place_of_the_shipped_one(tmp_path: Path) -> None:
    shipped, city = tmp_path / "shipped", tmp_path / "city"
    shipped.mkdir()
    city.mkdir()
    file = written(shipped, "a: shipped")
    assert read(file, city).text("a") == "shipped"
    written(city, "a: own")
    assert read(file, city).text("a") == "own"
    assert read(file).text("a") == "shipped"
