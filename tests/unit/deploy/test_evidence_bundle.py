"""Whatever is changed, removed, reordered or cut off in a bundle is found, and said in words."""

import ast
import json
import string
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import lru_cache
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deploy.evidence import verify_bundle as form
from deploy.evidence.bundle import Opening
from tests.support.evidence import (
    DAY,
    NOON,
    SIGNER,
    STRANGER,
    TYPES,
    Written,
    case,
    found,
    house,
    made,
    packed_again,
    parts_of,
    said,
)

VERIFIER = Path(form.__file__)
BUNDLE = made(house())
PARTS = parts_of(BUNDLE)
#: Those whose lines have an order.
LINES = sorted(name for name in PARTS if name.endswith(".ndjson") and PARTS[name].count(b"\n") > 1)
JOURNAL = "journal/intake.ndjson"
PLACES = st.integers(0, len(BUNDLE) - 1)


def small() -> bytes:
    """Return a bundle of two lines in two anchors: every byte of it is tried."""
    journal = Written("intake")
    for n in range(2):
        journal.write("her", "his", at=NOON + n * DAY)
        journal.anchor(NOON + n * DAY)
    return made({"intake": journal})


SMALL = small()


@pytest.fixture(autouse=True, scope="module")
def _faster() -> Iterator[None]:
    """Remember what was signed, which is asked thousands of times."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(form, "is_signed", lru_cache(None)(form.is_signed))
        yield


def changed(part: str, change: Callable[[bytes], bytes]) -> dict[str, bytes]:
    other = change(PARTS[part])
    assert other != PARTS[part]
    return {**PARTS, part: other}


def swapped(raw: bytes, first: int, second: int) -> bytes:
    lines = raw.splitlines(keepends=True)
    lines[first], lines[second] = lines[second], lines[first]
    return b"".join(lines)


class TestWhole:
    def test_a_bundle_as_it_was_made_is_whole(self) -> None:
        assert found(BUNDLE) == found(BUNDLE, SIGNER.public) == []
        assert "WHOLE: nothing was changed, removed, reordered or cut off." in said(BUNDLE)
        assert "结论：完整。没有任何内容被改动、删除、调换或截断。" in said(BUNDLE, language="zh")
        assert SIGNER.fingerprint in said(BUNDLE)

    def test_it_is_made_the_same_again(self) -> None:
        journals = house()

        assert made(journals) == made(journals)
        assert list(PARTS) == sorted(PARTS)

    def test_it_tells_nothing_of_other_cases(self) -> None:
        journals = house()
        for name in ("his", "other"):
            assert case(name).encode() not in BUNDLE
        for journal in journals.values():
            for entry in journal.entries:
                for n, record in enumerate(entry["events"]):
                    if record["case"] != case("her"):
                        assert record["id"].encode() not in BUNDLE
                        salt = journal.walk()._blind(f"line of {journal.service}", str(entry["_id"] + n))
                        assert salt.encode() not in BUNDLE, "with it, who guesses a line could tell it from its hash"

    def test_a_line_stands_in_the_first_anchor_after_it(self) -> None:
        proofs = json.loads(PARTS["proofs/intake.json"])

        assert [(row["event"], row["anchor"]) for row in proofs["lines"]] == [(2, 1), (7, 2), (11, 4), (12, 4)]
        assert [(row["from"], row["to"]) for row in proofs["growth"]] == [(1, 2), (2, 4)]

    def test_each_case_of_each_size_of_journal_holds(self) -> None:
        journal = Written("intake")
        for size in range(1, 24):
            journal.write(*["her", "his", "other"][: size % 3 + 1], at=NOON + size * DAY)
            journal.anchor(NOON + size * DAY)
            if size % 4 == 0:
                journal.anchor(NOON + size * DAY)
            for name in ("her", "his", "other"):
                if any(record["case"] == case(name) for entry in journal.entries for record in entry["events"]):
                    assert found(made({"intake": journal}, case(name))) == []

    def test_what_is_opened_is_bound_to_what_is_sealed(self) -> None:
        reports = {7: {"narrative": "转介"}, 11: {"narrative": "又一次"}}
        opening = Opening(purpose="evidence", reason="(2026)浙03民初1号", reports=reports)
        journals = house()
        raw = made(journals, opening=opening)
        rows = [json.loads(line) for line in parts_of(raw)["opened/intake.ndjson"].splitlines()]

        assert [row["report"] for row in rows] == list(reports.values())
        parts = parts_of(raw)
        lines = {json.loads(line)["event"]: json.loads(line) for line in parts[JOURNAL].splitlines()}
        assert [row["sealed"] for row in rows] == [lines[event]["sealed"] for event in reports]
        assert "(2026)浙03民初1号" in said(raw)
        assert found(raw) == []
        other = parts["opened/intake.ndjson"].replace(rows[0]["sealed"].encode(), rows[1]["sealed"].encode())
        assert found(packed_again({**parts, "opened/intake.ndjson": other}, SIGNER)) == ["opened"]


class TestBytes:
    """Every byte of the file is looked at: its length, each one changed, some inserted and taken out."""

    def test_every_changed_byte_is_found(self) -> None:
        assert form.Bundle(SMALL).check()
        raw = bytearray(SMALL)
        for place, byte in enumerate(SMALL):
            raw[place] = byte ^ (place % 255 + 1)
            assert not form.Bundle(bytes(raw)).check(), place
            raw[place] = byte

    def test_every_byte_taken_out_is_found(self) -> None:
        for place in range(len(SMALL)):
            assert not form.Bundle(SMALL[:place] + SMALL[place + 1 :]).check(), place

    def test_every_truncation_is_found(self) -> None:
        for length in range(len(SMALL)):
            assert not form.Bundle(SMALL[:length]).check(), length

    @settings(max_examples=200)
    @given(place=PLACES, byte=st.integers(1, 255))
    def test_any_change_of_a_byte_is_found(self, place: int, byte: int) -> None:
        raw = bytearray(BUNDLE)
        raw[place] ^= byte

        assert found(bytes(raw))

    @settings(max_examples=200)
    @given(begin=PLACES, length=st.integers(1, 3_000))
    def test_any_piece_taken_out_is_found(self, begin: int, length: int) -> None:
        assert found(BUNDLE[:begin] + BUNDLE[begin + length :])

    @settings(max_examples=200)
    @given(place=st.integers(0, len(BUNDLE)), more=st.binary(min_size=1, max_size=40))
    def test_anything_inserted_is_found(self, place: int, more: bytes) -> None:
        assert found(BUNDLE[:place] + more + BUNDLE[place:])

    @settings(max_examples=200)
    @given(first=PLACES, second=PLACES, length=st.integers(1, 400))
    def test_pieces_that_changed_places_are_found(self, first: int, second: int, length: int) -> None:
        first, second = sorted((first, second))
        one, other = BUNDLE[first : first + length], BUNDLE[second : second + length]
        raw = BUNDLE[:first] + other + BUNDLE[first + length : second] + one + BUNDLE[second + length :]

        assert raw == BUNDLE or found(raw)

    def test_a_name_that_takes_in_what_follows_is_a_finding_and_no_traceback(self) -> None:
        raw = bytearray(form.packed({"a.tst": b"", "b.tst": b"\xff" * 70_000}))
        raw[27] = 0xFF  # the high byte of the length of the first name

        assert found(bytes(raw))

    @settings(max_examples=300)
    @given(raw=st.binary(max_size=300))
    def test_what_is_no_bundle_is_said_to_be_none(self, raw: bytes) -> None:
        assert found(raw)
        assert found(b"PK\x03\x04" + raw)


class TestParts:
    """Each part changed where it lies, in an archive that is right by itself."""

    @settings(max_examples=300)
    @given(part=st.sampled_from(sorted(PARTS)), data=st.data())
    def test_any_change_of_a_part_is_found(self, part: str, data: st.DataObject) -> None:
        content = bytearray(PARTS[part])
        if content:
            content[data.draw(st.integers(0, len(content) - 1))] ^= data.draw(st.integers(1, 255))
        else:
            content += b"\n"

        codes = found(form.packed({**PARTS, part: bytes(content)}))
        assert codes
        if part == form.MANIFEST:
            assert {"manifest", "manifest_signature"} & set(codes)
        elif part != form.SIGNATURE:
            assert "part_changed" in codes

    @pytest.mark.parametrize("part", sorted(PARTS))
    def test_any_part_taken_away_is_found(self, part: str) -> None:
        raw = form.packed({name: content for name, content in PARTS.items() if name != part})

        assert part in said(raw)
        assert found(raw)

    @settings(max_examples=100)
    @given(part=st.sampled_from(sorted(name for name in PARTS if PARTS[name])), data=st.data())
    def test_any_part_cut_off_is_found(self, part: str, data: st.DataObject) -> None:
        length = data.draw(st.integers(0, len(PARTS[part]) - 1))

        assert found(form.packed({**PARTS, part: PARTS[part][:length]}))

    @pytest.mark.parametrize(
        "name", ["journal/intake.ndjson2", "note.txt", "journal/volunteer.ndjson", "opened/intake.ndjson"]
    )
    def test_a_part_that_was_added_is_found(self, name: str) -> None:
        raw = form.packed({**PARTS, name: PARTS["journal/feed.ndjson"]})

        assert "part_added" in found(raw)
        assert f"{name} was added" in said(raw)

    @pytest.mark.parametrize("part", LINES)
    def test_any_two_lines_that_changed_places_are_found(self, part: str) -> None:
        count = PARTS[part].count(b"\n")
        for first in range(count):
            for second in range(first + 1, count):
                raw = form.packed(changed(part, lambda raw, a=first, b=second: swapped(raw, a, b)))
                assert "part_changed" in found(raw)

    @pytest.mark.parametrize("part", LINES)
    def test_any_line_taken_out_or_doubled_is_found(self, part: str) -> None:
        lines = PARTS[part].splitlines(keepends=True)
        for place in range(len(lines)):
            assert found(form.packed({**PARTS, part: b"".join(lines[:place] + lines[place + 1 :])}))
            assert found(form.packed({**PARTS, part: b"".join([*lines[:place], lines[place], *lines[place:]])}))


class TestPlace:
    """It says what was done and where."""

    def test_a_changed_line(self) -> None:
        raw = form.packed(changed(JOURNAL, lambda raw: raw.replace(b'\\"n\\":6', b'\\"n\\":5')))

        assert "journal/intake.ndjson, line 2 (event 7, report.received) was changed" in said(raw)
        assert "it is not what was anchored on 2026-03-03." in said(raw)
        assert "journal/intake.ndjson 第 2 行（事件 7，report.received）被改动：与 2026-03-03 签署的锚点不符。" in said(
            raw, language="zh"
        )

    def test_a_removed_line(self) -> None:
        lines = PARTS[JOURNAL].splitlines(keepends=True)
        raw = form.packed({**PARTS, JOURNAL: b"".join([lines[0], *lines[2:]])})

        assert "journal/intake.ndjson: removed: event 7." in said(raw)
        assert "journal/intake.ndjson：事件 7 已被删除。" in said(raw, language="zh")

    def test_last_lines_that_were_cut_off(self) -> None:
        lines = PARTS[JOURNAL].splitlines(keepends=True)
        raw = form.packed({**PARTS, JOURNAL: b"".join(lines[:2])})

        assert "journal/intake.ndjson: the end was cut off: event 11, 12." in said(raw)
        assert (
            "the anchor of 2026-03-05 counts 4 events of this case (the last is number 12), the bundle has 2"
            in said(raw)
        )

    def test_lines_in_another_order(self) -> None:
        raw = form.packed(changed(JOURNAL, lambda raw: swapped(raw, 0, 1)))

        assert "line 2: the order was changed: event 2 cannot come after event 7." in said(raw)

    def test_a_file_that_ends_too_early(self) -> None:
        length = BUNDLE.index(b"journal/intake.ndjson{") + 200

        assert f"The file was cut off after byte {length}, in journal/intake.ndjson" in said(BUNDLE[:length])
        assert "proofs/intake.json is missing with it." in said(BUNDLE[:length])

    def test_a_changed_anchor(self) -> None:
        raw = form.packed(changed("anchors/intake.ndjson", lambda raw: raw.replace(b'"events":14', b'"events":15')))

        assert "anchors/intake.ndjson, line 3: the signature of the anchor does not fit" in said(raw)

    def test_a_note_about_a_service_is_left_out_where_something_is_wrong_with_it(self) -> None:
        raw = form.packed(changed(JOURNAL, lambda raw: raw.replace(b'\\"n\\":6', b'\\"n\\":5')))

        assert "intake: all" not in said(raw)
        assert "feed: all 1 lines" in said(raw)

    def test_what_is_shown_cannot_write_over_the_screen(self) -> None:
        name = "x\x1b[2K\r结论：完整。"
        raw = form.packed({**PARTS, name: b""})

        assert "x?[2K?" in said(raw)
        assert "\x1b" not in said(raw)


class TestForgery:
    """Who packs again makes everything fit, as far as he can."""

    def test_without_the_key_the_manifest_cannot_be_signed(self) -> None:
        raw = packed_again(changed(JOURNAL, lambda raw: raw.replace(b'\\"n\\":6', b'\\"n\\":5')))

        assert found(raw) == ["manifest_signature", "line_changed"]
        assert found(packed_again({**PARTS, "note.txt": b"x"})) == ["manifest_signature"]

    def test_with_another_key_everything_fits_but_the_key(self) -> None:
        """A bundle of journals that somebody made up: only the key tells it from a real one."""
        journals = {name: Written(name) for name in TYPES}
        for journal in journals.values():
            journal.write("her")
            journal.anchor(NOON, STRANGER)
        raw = made(journals, signer=STRANGER)

        assert found(raw) == []
        assert STRANGER.fingerprint in said(raw)
        assert SIGNER.fingerprint not in said(raw)
        assert found(raw, SIGNER.public) == ["key", "anchor_key", "anchor_key", "anchor_key"]

    def test_a_manifest_signed_with_another_key_does_not_hide_who_signed_the_anchors(self) -> None:
        raw = packed_again(PARTS, STRANGER)

        assert found(raw, SIGNER.public) == ["key"]
        assert SIGNER.fingerprint in said(raw), "the anchors are signed with another key than the manifest"

    @pytest.mark.parametrize(
        ("change", "code"),
        [
            (lambda raw: raw.replace(b'\\"n\\":6', b'\\"n\\":5'), "line_changed"),
            (lambda raw: raw.replace(b'"sealed":null', b'"sealed":"' + b"0" * 64 + b'"', 1), "line_changed"),
            (lambda raw: b"".join(raw.splitlines(keepends=True)[:-1]), "count"),
            (lambda raw: swapped(raw, 0, 1), "line_order"),
            (lambda raw: raw + raw.splitlines(keepends=True)[-1], "line_twice"),
        ],
    )
    def test_even_the_key_does_not_change_what_was_anchored(self, change: Callable[[bytes], bytes], code: str) -> None:
        """The house itself packs again and signs; the anchors of those days it can no longer make otherwise."""
        assert code in found(packed_again(changed(JOURNAL, change), SIGNER), SIGNER.public)

    def test_lines_that_are_left_out_with_their_proofs_are_missed(self) -> None:
        proofs = json.loads(PARTS["proofs/intake.json"])
        proofs["lines"] = proofs["lines"][:-1]
        less = {
            **changed(JOURNAL, lambda raw: b"".join(raw.splitlines(keepends=True)[:-1])),
            "proofs/intake.json": form.canonical(proofs),
        }
        manifest = json.loads(PARTS[form.MANIFEST])
        manifest["services"]["intake"]["lines"] = 3
        raw = packed_again({**less, form.MANIFEST: json.dumps(manifest).encode()}, SIGNER)

        assert "count" in found(raw)
        proofs["case"]["count"], proofs["case"]["last"] = 3, 11
        raw = packed_again(
            {**less, form.MANIFEST: json.dumps(manifest).encode(), "proofs/intake.json": form.canonical(proofs)}, SIGNER
        )
        assert "count_proof" in found(raw)

    def test_a_journal_that_was_written_anew_between_two_anchors_shows(self) -> None:
        """Old anchors are out of the house; new ones are made over another past."""
        journals, other = house(), Written("intake")
        for n in range(9):
            other.write("her" if n % 2 else "his", at=NOON + n * DAY)
        other.anchors = list(journals["intake"].anchors[:2])
        other.anchor(NOON + 9 * DAY)
        codes = found(made({"intake": other}))

        assert {"anchor_growth", "line_changed"} <= set(codes)

    def test_a_line_of_another_case_does_not_pass_as_hers(self) -> None:
        his = parts_of(made(house(), case("his")))
        manifest = json.loads(his[form.MANIFEST])
        manifest["case"] = case("her")
        raw = packed_again({**his, form.MANIFEST: json.dumps(manifest).encode()}, SIGNER)

        assert {"line_foreign", "count_proof"} <= set(found(raw))

    def test_a_service_cannot_be_taken_for_another(self) -> None:
        parts = {
            name.replace("intake", "feeb"): content.replace(b'"service":"intake"', b'"service":"feeb"')
            for name, content in PARTS.items()
        }
        assert "anchor_signature" in found(packed_again(parts, SIGNER))

    @settings(max_examples=150)
    @given(
        part=st.sampled_from(sorted(name for name in PARTS if name.startswith(("journal", "anchors")))), data=st.data()
    )
    def test_no_change_of_lines_or_anchors_passes_with_the_key_either(self, part: str, data: st.DataObject) -> None:
        content = bytearray(PARTS[part])
        place = data.draw(st.integers(0, len(content) - 2))
        content[place] ^= data.draw(st.integers(1, 255))

        assert found(packed_again({**PARTS, part: bytes(content)}, SIGNER))

    def test_an_anchor_whose_signature_is_written_in_another_way_does_not_pass(self) -> None:
        part = "anchors/intake.ndjson"
        before, mark, signature = PARTS[part].partition(b'"signature":"')
        other = before + mark + signature[:128].upper() + signature[128:]

        assert "anchor_signature" in found(packed_again({**PARTS, part: other}, SIGNER), SIGNER.public)

    @pytest.mark.parametrize(
        "rubbish", [b"", b"null", b"[]", b"{}", b'{"lines":[]}', b"[" * 100_000, b'{"lines":1e999}']
    )
    @pytest.mark.parametrize("part", [JOURNAL, "anchors/intake.ndjson", "proofs/intake.json"])
    def test_rubbish_is_a_finding_and_no_traceback(self, part: str, rubbish: bytes) -> None:
        assert found(packed_again({**PARTS, part: rubbish}, SIGNER))
        assert found(form.packed({**PARTS, form.MANIFEST: rubbish}))


class TestProgram:
    """One file, run alone."""

    @pytest.fixture
    def file(self, tmp_path: Path) -> Path:
        (tmp_path / "bundle.zip").write_bytes(BUNDLE)
        (tmp_path / "verify_bundle.py").write_bytes(VERIFIER.read_bytes())
        return tmp_path / "bundle.zip"

    def run(self, file: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
        # without site-packages, without the environment, and not beside the project
        return subprocess.run(
            [sys.executable, "-I", "-S", str(file.with_name("verify_bundle.py")), *arguments],
            cwd=file.parent,
            env={"LANG": "C"},
            capture_output=True,
            encoding="utf-8",
            check=False,
        )

    def test_it_needs_nothing_but_python(self, file: Path) -> None:
        ended = self.run(file, str(file))
        assert (ended.returncode, ended.stderr) == (0, "")
        assert ended.stdout.endswith("结论：完整。没有任何内容被改动、删除、调换或截断。\n")
        assert self.run(file, str(file), "--key", SIGNER.public.hex(), "--language", "en").returncode == 0

        key = file.with_name("federation.pem")
        key.write_bytes(form.pem(SIGNER.public))
        assert "与所指明的" not in self.run(file, str(file), "--key", str(key)).stdout
        assert self.run(file, str(file), "--key", STRANGER.public.hex()).returncode == 1
        assert self.run(file, str(file), "--key", STRANGER.public.hex(), "--key", str(key)).returncode == 0

    def test_what_is_wrong_ends_with_1_and_what_is_asked_wrongly_with_2(self, file: Path) -> None:
        file.write_bytes(BUNDLE[:-1])
        ended = self.run(file, str(file), "--language", "en")
        assert (ended.returncode, ended.stderr) == (1, "")
        assert ended.stdout.endswith("NOT WHOLE. Findings: 1.\n")
        for wrong in ([str(file), "--key", "nothing"], [str(file.parent)], ["none.zip"], []):
            ended = self.run(file, *wrong)
            assert ended.returncode == 2
            assert "Traceback" not in ended.stderr
            assert ended.stderr

    def test_python_3_9_understands_it(self) -> None:
        tree = ast.parse(VERIFIER.read_text(encoding="utf-8"), feature_version=(3, 9))
        imported = {
            name.split(".")[0]
            for node in ast.walk(tree)
            if isinstance(node, ast.Import | ast.ImportFrom)
            for name in ([node.module or "."] if isinstance(node, ast.ImportFrom) else [one.name for one in node.names])
        }

        assert imported <= sys.stdlib_module_names
        # came later than 3.9, and would only be missed when it is reached
        later = ("removeprefix_", "pairwise", "strict=", "bit_count", "datetime.UTC", "tomllib", "kw_only", "slots=")
        assert not [name for name in later if name in VERIFIER.read_text(encoding="utf-8")]

    def test_everything_is_said_in_both_languages(self) -> None:
        for code, words in form.WORDS.items():
            fields = [{name for _, name, _, _ in string.Formatter().parse(text) if name} for text in words]
            assert fields[0] == fields[1], code
            assert f'"{code}"' in VERIFIER.read_text(encoding="utf-8").replace(f'    "{code}": (', ""), "nobody says it"
