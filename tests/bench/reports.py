"""Realistic reports without end: the shape and mix of the sample week, with persons of their own."""

import json
import random
from collections.abc import Iterator
from copy import deepcopy
from datetime import datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

#: Share of the reports that come from a client who has reported before (and so join her case).
JOINING = 0.10
#: Time from one report to the next, as the reports tell it.
STEP = timedelta(seconds=4)

_SURNAMES = "王李张刘陈杨黄赵吴周徐孙马朱胡郭何林罗高郑梁谢宋唐许邓韩冯曹彭曾肖田董潘袁蔡蒋余叶杜苏魏程吕丁沈任姚卢"
_GIVEN = "秀英桂兰玉梅凤珍红霞丽华芳敏静淑慧巧美娜惠珠翠雅芝云莲真环雪荣爱妹香月莺媛艳瑞凡佳嘉琼勤珊莎锦黛青倩婷宁"
_PARTIES = ("reporter", "client", "accused")
_ID_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_CHECK_DIGITS = "10X98765432"

Report = dict[str, Any]


class Reports:
    """Makes reports from templates, one after the other; the same seed makes the same again."""

    def __init__(self, templates: list[Report], *, seed: int, step: timedelta = STEP) -> None:
        self._step = step
        self._random = random.Random(seed)
        self._templates = templates
        self._numbers = count(1)
        self._time = max(datetime.fromisoformat(template["received_at"]) for template in templates)
        #: Clients that can be found again: those with a telephone number.
        self._clients: list[Report] = []

    def __iter__(self) -> Iterator[Report]:
        while True:
            yield self._next()

    def take(self, amount: int) -> list[Report]:
        """Return the next `amount` reports."""
        return [report for report, _ in zip(self, range(amount), strict=False)]

    def _next(self) -> Report:
        number = next(self._numbers)
        report = deepcopy(self._random.choice(self._templates))
        report["report_key"] = f"{report['report_key'].rsplit('-', 2)[0]}-BENCH-{number:07d}"
        self._move(report)
        self._rename(report)
        self._meet_again(report)
        return report

    def _move(self, report: Report) -> None:
        """Let the report come after the one before it; what it tells keeps its distance in time."""
        self._time += self._step
        shift = self._time - datetime.fromisoformat(report["received_at"])
        report["received_at"] = self._time.isoformat()
        if (report.get("consent") or {}).get("given_at"):
            given = datetime.fromisoformat(report["consent"]["given_at"]) + shift
            report["consent"]["given_at"] = given.isoformat()

    def _rename(self, report: Report) -> None:
        """Give every person of the report a name, telephone and id number that nobody else has."""
        renamed: dict[str, str] = {}
        for party in _PARTIES:
            person = report.get(party) or {}
            official = party == "reporter" and person.get("role") != "self"
            for field, fresh in (("name", self._name), ("phone", self._phone), ("id_number", self._id_number)):
                if person.get(field) and not (official and field == "name"):
                    old = person[field]
                    person[field] = renamed[old] if old in renamed else renamed.setdefault(old, fresh())
        for old, new in renamed.items():
            report["narrative"] = report["narrative"].replace(old, new)

    def _meet_again(self, report: Report) -> None:
        client = report.get("client")
        if not client:
            return
        if self._clients and self._random.random() < JOINING:
            known = self._random.choice(self._clients)
            client.update(known)
            if report["reporter"].get("role") == "self":
                report["reporter"].update({key: known[key] for key in ("name", "phone") if report["reporter"].get(key)})
        elif client.get("name") and client.get("phone"):
            self._clients.append({key: client[key] for key in ("name", "phone", "id_number") if client.get(key)})

    def _name(self) -> str:
        return self._random.choice(_SURNAMES) + "".join(self._random.choices(_GIVEN, k=2))

    def _phone(self) -> str:
        return f"138{next(self._numbers):08d}"

    def _id_number(self) -> str:
        """Return an id number with a wrong check digit, so that it is nobody's."""
        born = datetime(1960, 1, 1) + timedelta(days=self._random.randrange(20000))  # noqa: DTZ001
        body = f"330302{born:%Y%m%d}{self._random.randrange(1000):03d}"
        check = sum(weight * int(digit) for weight, digit in zip(_ID_WEIGHTS, body, strict=True)) % 11
        return body + _CHECK_DIGITS[(check + 1) % 10]


def templates(file: Path) -> list[Report]:
    """Read the reports of a sample week, each key once."""
    found: dict[str, Report] = {}
    for line in file.read_text(encoding="utf-8").splitlines():
        report = json.loads(line)
        found.setdefault(report["report_key"], report)
    return list(found.values())


def encoded(report: Report) -> bytes:
    """Return the body of the request that brings a report."""
    return json.dumps(report, ensure_ascii=False, separators=(",", ":")).encode()
