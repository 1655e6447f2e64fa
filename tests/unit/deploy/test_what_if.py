"""A period is played twice, and what differs is told: of the sample week, under rules that nobody has."""

import json
import re
import socket
from collections import Counter
from collections.abc import Callable
from datetime import date, datetime, timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import orjson
import pytest
import yaml
from rich.console import Console

from deploy import cli
from deploy.city import told_report, told_volunteer, whole_city
from deploy.problem import Problem
from deploy.sample import WEEK
from deploy.whatif.checkout import play_elsewhere
from deploy.whatif.difference import NOW, THEN, difference
from deploy.whatif.page import Page, wording
from deploy.whatif.period import Period, period
from deploy.whatif.play import play
from deploy.whatif.rules import other_rules
from deploy.whatif.terminal import show
from services.feed.block import html
from shared.events import Event
from shared.events.vocabulary import AGENCIES, GRADES, SAFE_CHANNELS, SKILLS
from shared.replay.recording import Line, write

ROOT = Path(__file__).parents[3]
SHIPPED = {
    "risk.yml": ROOT / "services/intake/rules/risk.yml",
    "referrals.yml": ROOT / "services/referral/rules/referrals.yml",
    "skills.yml": ROOT / "services/volunteer/rules/skills.yml",
}
MARCH = period("2026-03")
_STALKING = "  - {code: stalking, grade: red, when: {factor: stalking}}\n"


def lines(name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (WEEK / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()]


@pytest.fixture(scope="module")
def week() -> list[Line]:
    reports = [*lines("earlier"), *lines("reports")]
    reports.sort(key=lambda report: datetime.fromisoformat(report["received_at"]))
    return [*map(told_volunteer, lines("volunteers")), *map(told_report, reports)]


def rules(folder: Path, name: str, change: Callable[[str], str]) -> Path:
    """Write a file of rules that differs from the shipped one."""
    text = SHIPPED[name].read_text(encoding="utf-8")
    assert change(text) != text
    file = folder / name
    file.write_text(change(text), encoding="utf-8")
    return file


@pytest.fixture
def stalking(tmp_path: Path) -> Path:
    """Rules by which stalking alone is red."""
    return rules(tmp_path, "risk.yml", lambda text: text.replace("lines:\n", f"lines:\n{_STALKING}", 1)).parent


def compared(
    week: list[Line], folder: Path | None, span: Period = MARCH, said: tuple[Event, ...] = ()
) -> dict[str, Any]:
    return difference(play(week, span, None, None), play(week, span, folder, None), said)


@pytest.mark.parametrize(
    ("text", "first", "last"),
    [
        ("2026", date(2026, 1, 1), date(2026, 12, 31)),
        ("2026-03", date(2026, 3, 1), date(2026, 3, 31)),
        ("2026-12", date(2026, 12, 1), date(2026, 12, 31)),
        ("2024-02", date(2024, 2, 1), date(2024, 2, 29)),
        ("2026-03-02", date(2026, 3, 2), date(2026, 3, 2)),
        ("2026-03-02..2026-03-08", date(2026, 3, 2), date(2026, 3, 8)),
        ("2025-11..2026-03", date(2025, 11, 1), date(2026, 3, 31)),
    ],
)
def test_a_period_is_a_span_of_whole_days_in_china(text: str, first: date, last: date) -> None:
    found = period(text)

    assert (found.first, found.last) == (first, last)
    assert datetime.fromisoformat(f"{first}T00:00:00+08:00") in found
    assert datetime.fromisoformat(f"{last}T23:59:59+08:00") in found
    assert datetime.fromisoformat(f"{last}T23:59:59+08:00") + timedelta(seconds=1) not in found


@pytest.mark.parametrize(
    "text", ["", "March", "2026-13", "2026-3", "2026-02-30", "2026-03-08..2026-03-02", "0000", "2026-03.."]
)
def test_what_is_no_period_is_said_to_be_none(text: str) -> None:
    with pytest.raises(Problem, match="is no period") as caught:
        period(text)
    assert caught.value.exit_code == 2


def test_under_the_same_rules_nothing_differs(week: list[Line]) -> None:
    found = compared(week, None)

    assert not found["differs"]
    assert found["reports"] == {NOW: 127, THEN: 127}
    assert sum(found["grades"][NOW].values()) == found["cases"][NOW] == 111


def test_grades_are_those_that_the_rules_give(week: list[Line], stalking: Path) -> None:
    found = compared(week, stalking, period("2025..2026"))["grades"]

    for side, folder in ((NOW, None), (THEN, stalking)):
        city = whole_city(folder)
        for line in week:
            city.take(line)
        grades = Counter(case.grade for case in city.voices["intake"].shelf.all("case"))
        assert {grade: count for grade, count in found[side].items() if count} == grades
    assert {move["to"] for move in found["moved"]} == {"red"}
    assert found[NOW]["red"] + sum(len(move["cases"]) for move in found["moved"]) == found[THEN]["red"]
    assert {(*one["new"], *one["gone"]) for one in found["reasons"]} == {("stalking",)}


def test_what_follows_from_a_grade_follows(week: list[Line], stalking: Path) -> None:
    found = compared(week, stalking)["referrals"]

    assert [(one["agency"], one["purpose"]) for one in found["new"]] == [("police", "protect")]
    assert [(one["agency"], one["purpose"]) for one in found["gone"]] == [("police", "warn_or_investigate")]
    assert found[THEN] - found[NOW] == sum(o["count"] for o in found["new"]) - sum(o["count"] for o in found["gone"])


def test_what_happened_before_is_judged_by_the_rules_in_force(week: list[Line], stalking: Path) -> None:
    whole, late = compared(week, stalking), compared(week, stalking, period("2026-03-08"))

    assert late["reports"][NOW] < whole["reports"][NOW]
    moved = {case for move in late["grades"]["moved"] for case in move["cases"]}
    assert moved
    assert moved <= {case for move in whole["grades"]["moved"] for case in move["cases"]}
    # under the rules in force their past is the same on both sides
    assert all(one["gone"] == [] for one in late["grades"]["reasons"])


def test_other_terms_of_referrals_are_told(week: list[Line], tmp_path: Path) -> None:
    file = rules(tmp_path, "referrals.yml", lambda text: text.replace("within: 7d", "within: 3d"))
    found = compared(week, file.parent)["referrals"]

    assert found["new"] == found["gone"] == []
    assert {(one["agency"], one["purpose"]) for one in found["changed"]} == {("justice", "legal_aid")}
    assert {tuple(one["fields"]) for one in found["changed"]} == {("finish_by",)}
    before, after = found["changed"][0]["fields"]["finish_by"]
    assert datetime.fromisoformat(before) - datetime.fromisoformat(after) == timedelta(days=4)


def test_other_skills_need_other_volunteers(week: list[Line], tmp_path: Path) -> None:
    # no lawyer for violence alone
    file = rules(tmp_path, "skills.yml", lambda text: text.replace("        - {category_kind: violence}\n", "", 1))
    found = compared(week, file.parent)

    assert found["grades"]["moved"] == found["referrals"]["new"] == []
    volunteers = found["volunteers"]
    assert "law" in {one["skill"] for one in volunteers["gone"]}
    assert volunteers[THEN]["assignments"] < volunteers[NOW]["assignments"]
    assert len(volunteers["gone"]) - len(volunteers["new"]) == (
        volunteers[NOW]["assignments"] - volunteers[THEN]["assignments"]
    )


def test_deadlines_are_told_as_far_as_agencies_said_what_they_did(week: list[Line], tmp_path: Path) -> None:
    file = rules(tmp_path, "referrals.yml", lambda text: text.replace("within: 7d", "within: 1d"))
    legal_aid = [one for one in play(week, MARCH, None, None).referrals.values() if one.purpose == "legal_aid"]
    said = (
        receipt(legal_aid[0].id, legal_aid[0].case, "received", legal_aid[0].acknowledge_by - timedelta(seconds=1)),
        receipt(legal_aid[0].id, legal_aid[0].case, "acted", legal_aid[0].requested_at + timedelta(days=3)),
        receipt(legal_aid[1].id, legal_aid[1].case, "received", legal_aid[1].acknowledge_by),
        receipt("v1", legal_aid[1].case, "received", legal_aid[1].acknowledge_by),
    )
    found = compared(week, file.parent, said=said)["deadlines"]

    referrals = len([one for one in play(week, MARCH, None, None).referrals.values() if not one.cancelled])
    acknowledged = {"in_time": 1, "missed": 1, "not_known": referrals - 2}
    assert found["acknowledge"] == {NOW: acknowledged, THEN: acknowledged}
    assert found["finish"][NOW] == {"in_time": 1, "missed": 0, "not_known": referrals - 1}
    # the same deed comes too late for the other rules
    assert found["finish"][THEN] == {"in_time": 0, "missed": 1, "not_known": referrals - 1}


def receipt(referral: str, case: str, what: str, at: datetime) -> Event:
    data = {
        "agency": "justice",
        "name": "wenzhou-justice",
        "number": 1,
        "receipt": what,
        "referral_id": referral,
        "case_id": case,
        "at": at.isoformat(),
    }
    return Event(
        id=f"receipt-{referral}-{what}",
        source="feed",
        type="receipt.recorded",
        version=1,
        time=at,
        subject="wenzhou-justice",
        sequence=1,
        correlation=case,
        causation="x",
        body=orjson.dumps(data),
    )


def test_nothing_outside_is_touched(week: list[Line], monkeypatch: pytest.MonkeyPatch, stalking: Path) -> None:
    def refused(*_: object, **__: object) -> None:
        raise AssertionError("somebody wanted to talk to the outside")

    monkeypatch.setattr(socket, "socket", refused)
    monkeypatch.setattr(socket, "create_connection", refused)
    assert compared(week, stalking)["differs"]


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        (
            "risk.yml",
            "lines:\n  - {code: x, grade: red, when: {factor: stalkng}}\nmediation_bars: []\n",
            "line 2: 'factor' must be one of",
        ),
        ("risk.yml", "lines: [\n", "not YAML"),
        ("NEW.yml", "lines: []\nmediation_bars: []\nmore: 1\n", "says not which rules it holds"),
        ("NEW.yml", "skills: 1\ntrained_within_days: 1\nrecord_checked_within_days: 1\n", "'skills' must be a list"),
        ("NEW.yml", "- 1\n", "says not which rules it holds"),
    ],
)
def test_what_cannot_be_meant_is_told_with_file_and_line(tmp_path: Path, name: str, text: str, said: str) -> None:
    file = tmp_path / name
    file.write_text(text, encoding="utf-8")

    with pytest.raises(Problem, match=re.escape(said)) as caught, other_rules([file], None):
        pass
    assert str(caught.value).startswith(str(file))
    assert caught.value.exit_code == 2


def test_a_file_may_have_another_name_and_comes_once(tmp_path: Path, stalking: Path) -> None:
    new = tmp_path / "NEW.yml"
    new.write_text((stalking / "risk.yml").read_text(encoding="utf-8"), encoding="utf-8")

    with other_rules([new, SHIPPED["skills.yml"]], None) as folder:
        assert sorted(path.name for path in folder.iterdir()) == ["risk.yml", "skills.yml"]
        assert (folder / "risk.yml").read_text(encoding="utf-8") == new.read_text(encoding="utf-8")
    assert not folder.exists()
    with pytest.raises(Problem, match=r"are both risk\.yml"), other_rules([new, stalking], None):
        pass


def test_rules_in_force_stay_where_nothing_else_is_given(tmp_path: Path, stalking: Path) -> None:
    with other_rules([SHIPPED["skills.yml"]], stalking) as folder:
        assert (folder / "risk.yml").read_text(encoding="utf-8").count("stalking") == 4
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(Problem, match="holds none of"), other_rules([empty], None):
        pass


def test_another_checkout_plays_the_same(week: list[Line]) -> None:
    assert play_elsewhere(ROOT, week, MARCH, None, None) == play(week, MARCH, None, None)


def test_a_checkout_that_cannot_is_told(week: list[Line], tmp_path: Path) -> None:
    with pytest.raises(Problem, match="holds no code that can play"):
        play_elsewhere(tmp_path, week, MARCH, None, None)
    module = tmp_path / "deploy" / "whatif"
    module.mkdir(parents=True)
    (module / "__main__.py").write_text("raise SystemExit('某甲')\n", encoding="utf-8")
    with pytest.raises(Problem, match="could not play the period") as caught:
        play_elsewhere(tmp_path, week, MARCH, None, None)
    assert "某甲" not in str(caught.value)


def test_the_other_process_is_told_no_secret(week: list[Line], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AMQP_URI", "amqp://user:secret@host")
    module = tmp_path / "deploy" / "whatif"
    module.mkdir(parents=True)
    seen = tmp_path / "seen"
    look = f"import os; open({str(seen)!r}, 'w').write(str(os.environ))\n"
    (module / "__main__.py").write_text(look, encoding="utf-8")

    with pytest.raises(Problem):
        play_elsewhere(tmp_path, week, MARCH, None, None)
    assert "PYTHONPATH" in seen.read_text(encoding="utf-8")
    assert "secret" not in seen.read_text(encoding="utf-8")


def document(week: list[Line], folder: Path | None) -> dict[str, Any]:
    sides = {NOW: {"rules": [], "code": None}, THEN: {"rules": ["NEW.yml"], "code": None}}
    about = {"period": {"first": "2026-03-01", "last": "2026-03-31"}, "refused": 1, "erased": 2, "seconds": 1.5}
    return {**compared(week, folder), **about, "compared": sides}


@pytest.mark.parametrize("language", ["zh", "en"])
def test_a_page_needs_no_script_and_says_what_its_tables_are_about(
    week: list[Line], stalking: Path, language: str
) -> None:
    text = html(Page(document(week, stalking), language, 2).blocks(), language)

    assert f'<html lang="{language}">' in text
    assert "<script" not in text
    assert "src=" not in text
    assert text.count("<h1>") == 1
    assert text.count("<table>") > 8
    assert text.count('<th scope="row">') >= text.count("<tr>") - text.count("<thead>")
    assert "{" not in re.sub(r"<style>.*?</style>", "", text)
    assert "019cac7f-c2a0" in text


def test_both_languages_have_the_same_words() -> None:
    words = [
        yaml.safe_load((ROOT / f"deploy/whatif/words/{one}.yml").read_text(encoding="utf-8")) for one in ("zh", "en")
    ]

    assert names(words[0]) == names(words[1])


@pytest.mark.parametrize("language", ["zh", "en"])
def test_whoever_decides_reads_no_bare_code(language: str) -> None:
    words = wording(language)
    for group, codes in {"grades": GRADES, "agencies": AGENCIES, "skills": SKILLS, "channels": SAFE_CHANNELS}.items():
        assert [code for code in codes if not words.of(f"names.{group}", code)] == []


def names(words: Any, prefix: str = "") -> set[str]:
    if not isinstance(words, dict):
        return {prefix}
    return {one for name, value in words.items() for one in names(value, f"{prefix}.{name}")}


@pytest.mark.parametrize("language", ["zh", "en"])
def test_a_page_of_no_difference_says_so(week: list[Line], language: str) -> None:
    blocks = Page(document(week, None), language, 2).blocks()

    assert len(blocks) == 7
    assert {"zh": "结果完全相同。", "en": "Nothing would have been different."}[language] in html(blocks, language)


def test_a_terminal_shows_the_same(week: list[Line], stalking: Path) -> None:
    shown = StringIO()
    show(Page(document(week, stalking), "en", 2).blocks(), Console(file=shown, width=160))

    assert re.search(r"red +18 +24 +\+6", shown.getvalue())
    assert "and 3 more, see the JSON" in shown.getvalue()
    assert "`" not in shown.getvalue()


def test_the_command_compares_a_recording(
    week: list[Line],
    stalking: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("NIANGJIA_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("NIANGJIA_RULES", raising=False)
    recording, page = tmp_path / "week.ndjson", tmp_path / "page.html"
    write(recording, week)
    given = ["what-if", "--rules", str(stalking / "risk.yml"), "--period", "2026-03", "--against", str(recording)]

    assert cli.run([*given, "--json", "--html", str(page)]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["differs"]
    assert found["compared"][THEN] == {"rules": [str(stalking / "risk.yml")], "code": None}
    assert found["seconds"] < 60
    assert '<html lang="zh">' in page.read_text(encoding="utf-8")
    assert cli.run([*given[:4], "2020", *given[5:]]) == 1
    assert "no report came in" in capsys.readouterr().err
    assert cli.run(["what-if", "--period", "2026"]) == 2
    assert "nothing else was given to try" in capsys.readouterr().err
    recording.write_text("{}\n", encoding="utf-8")
    assert cli.run(given) == 2
    assert "week.ndjson:1: data is not a JSON object; make it with `niangjia record`" in capsys.readouterr().err
