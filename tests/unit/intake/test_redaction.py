"""Whoever reported is not found in what leaves, however it is written; nobody else is touched."""

import re
import time
import unicodedata
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.intake.redaction import REPORTER, numbers_of_reporters, without_reporters
from shared.privacy.blind import normal_phone

ZHAO = {"role": "neighbour", "name": "赵小敏", "phone": "13800000009", "organisation": "某镇第一小学"}


def reported_by(**reporter: Any) -> dict[str, Any]:
    return {"reporter": reporter}


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("赵小敏说听见哭声。", "〔报告人〕说听见哭声。"),
        ("赵 小 敏说", "〔报告人〕说"),
        ("某镇第一小学的班主任", "〔报告人〕的班主任"),
        ("请打13800000009找她", "请打〔报告人〕找她"),
        ("138 0000 0009", "〔报告人〕"),
        ("138-0000-0009", "〔报告人〕"),
        ("+86 138 0000 0009", "〔报告人〕"),
        ("008613800000009", "〔报告人〕"),
        ("１３８００００００９", "１３８００００００９"),
        ("１３８０００００００９", "〔报告人〕"),
        ("赵小明和13800000008都没有说", "赵小明和13800000008都没有说"),
        ("编号9138000000091", "编号9138000000091"),
        ("王某又被打了。", "王某又被打了。"),
        ("赵小敏、赵小敏", "〔报告人〕、〔报告人〕"),
    ],
)
def test_a_reporter_is_blanked_out_and_nobody_else(text: str, left: str) -> None:
    assert without_reporters(text, [reported_by(**ZHAO)]) == left


@pytest.mark.parametrize(
    ("reporter", "text", "left"),
    [
        ({"role": "self", "name": "王某", "phone": "13800000001"}, "王某13800000001", "王某13800000001"),
        ({"name": "王某"}, "王某", "〔报告人〕"),
        ({"role": "anonymous", "phone": "0577-88000000"}, "打88000000或0577 8800 0000", "打〔报告人〕或〔报告人〕"),
        ({"role": "police", "phone": "110"}, "先打了110", "先打了110"),
        (
            {"role": "relative", "name": "Zhao Min"},
            "ZHAO MIN, zhaomin, Ｚｈａｏ Min",
            "〔报告人〕, 〔报告人〕, 〔报告人〕",
        ),
        ({"role": "relative", "name": "阿依古丽·买买提"}, "阿依古丽•买买提说", "〔报告人〕说"),
        ({"role": "doctor", "name": "a.*(b"}, "a.*(b xx", "〔报告人〕 xx"),
        ({"role": "doctor", "name": " ", "organisation": ""}, "什么都没有", "什么都没有"),
        ({"role": "teacher", "name": "老师", "organisation": "老师之家"}, "老师之家的老师", "〔报告人〕的〔报告人〕"),
        (None, "没有报告人", "没有报告人"),
    ],
)
def test_what_a_reporter_may_be_called(reporter: Any, text: str, left: str) -> None:
    assert without_reporters(text, [{"reporter": reporter}]) == left


def test_who_made_one_report_is_blanked_out_of_all() -> None:
    reports = [reported_by(role="self", name="王某"), reported_by(**ZHAO), {}]

    assert without_reporters("王某说赵小敏看见了", reports) == "王某说〔报告人〕看见了"


def test_in_an_address_an_organisation_is_a_place() -> None:
    left = without_reporters("某镇第一小学对面，赵小敏家隔壁", [reported_by(**ZHAO)], organisations=False)

    assert left == "某镇第一小学对面，〔报告人〕家隔壁"


def test_the_numbers_of_reporters_are_those_of_others_than_her() -> None:
    reports = [reported_by(role="self", phone="13800000001"), reported_by(phone="+86 138 0000 0009"), reported_by()]

    assert numbers_of_reporters(reports) == {"13800000009"}


def test_a_long_row_of_blanks_takes_no_time() -> None:
    text = " " * 100_000 + "赵小敏"
    began = time.thread_time()  # what others do on the machine does not count

    assert without_reporters(text, [reported_by(**ZHAO)]).endswith(REPORTER)
    assert time.thread_time() - began < 1


names = st.text(st.characters(categories=("L", "Nd")), min_size=1, max_size=6).filter(
    lambda text: unicodedata.normalize("NFKC", text).strip() and text.casefold() not in REPORTER
)
phones = st.from_regex(r"1[3-9][0-9]{9}", fullmatch=True)
spaces = st.text(" -–()", max_size=2)
words = st.text(st.characters(categories=("L", "P", "Zs")), max_size=20)


@given(name=names, phone=phones, before=words, between=words, after=words, gap=spaces)
def test_neither_name_nor_number_is_left_whatever_stands_around_it(
    name: str, phone: str, before: str, between: str, after: str, gap: str
) -> None:
    text = unicodedata.normalize("NFC", f"{before}{name}{between} {gap.join(phone)} {after}")
    name = unicodedata.normalize("NFC", name)
    left = without_reporters(text, [reported_by(role="teacher", name=name, phone=phone)])

    assert REPORTER in left
    assert name not in left.replace(REPORTER, "\n")
    assert phone not in normal_phone(re.sub(REPORTER, "x", left))
