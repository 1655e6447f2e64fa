"""What would have been different, as a page for people: headings, sentences, tables."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, Final

import yaml

from deploy.whatif.difference import NOW, STATES, THEN, Document
from deploy.whatif.outcome import HELD
from services.feed.block import Block, Heading, Paragraph, Table
from services.feed.wording import Wording
from services.feed.wording import wording as contract_words

_WORDS: Final = Path(__file__).parent / "words"


@cache
def wording(language: str) -> Wording:
    """Return the words of a language, `zh` or `en`."""
    return Wording(language, yaml.safe_load((_WORDS / f"{language}.yml").read_text(encoding="utf-8")))


class Page:
    """Puts a document into words.

    Args:
        document: what differs, and what was compared.
        language: `zh` or `en`.
        ids: how many ids of cases stand in a cell at most; the document has all.
    """

    def __init__(self, document: Document, language: str, ids: int) -> None:
        self._document = document
        self._words = wording(language)
        self._ids = ids

    def blocks(self) -> list[Block]:
        """Return the page."""
        if not self._document["differs"]:
            return [*self._top(), Paragraph(self._words("same"))]
        parts = (self._grades, self._referrals, self._deadlines, self._tasks, self._volunteers, self._notices)
        return [*self._top(), *(block for part in parts for block in part())]

    def _top(self) -> Iterator[Block]:
        words, document = self._words, self._document
        period = document["period"]
        yield Heading(words("title"), 1)
        yield Paragraph(
            words(
                "intro",
                first=period["first"],
                last=period["last"],
                reports=document["reports"][NOW],
                cases=document["cases"][NOW],
            )
        )
        sides = {side: self._side(side, document["compared"][side]) for side in (NOW, THEN)}
        yield Paragraph(words("compared", **sides))
        for name in ("erased", "refused"):
            if document[name]:
                yield Paragraph(words(name, count=document[name]))
        yield Paragraph(words("took", seconds=document["seconds"]))

    def _side(self, side: str, compared: Mapping[str, Any]) -> str:
        words = self._words
        said = [words("code", path=f"`{compared['code']}`")] if compared["code"] else []
        files = _codes(compared["rules"])
        said += [words("own", files=files) if side == NOW else files] if files else []
        return ", ".join(said) or words("shipped")

    def _grades(self) -> Iterator[Block]:
        words, grades = self._words, self._document["grades"]
        yield Heading(words("heading.grades"))
        yield Paragraph(words("grades_note"))
        figures = {self._name("grades", grade): (grades[NOW][grade], grades[THEN][grade]) for grade in grades[NOW]}
        yield self._figures("grade", figures)
        if grades["moved"]:
            yield Heading(words("heading.moved"), 3)
            rows = [
                [self._grade(one["from"]), self._grade(one["to"]), str(one["count"]), self._cases(one["cases"])]
                for one in grades["moved"]
            ]
            yield self._table(("from", "to", "count", "cases"), rows)
        if grades["reasons"]:
            yield Heading(words("heading.reasons"), 3)
            yield self._reasons(grades["reasons"])

    def _grade(self, grade: str | None) -> str:
        return self._name("grades", grade) if grade else self._words("new_case")

    def _name(self, group: str, code: str) -> str:
        return _called(self._words.of(f"names.{group}", code), code)

    def _purpose(self, code: str) -> str:
        return _called(contract_words(self._words.language).of("purposes", code), code)

    def _reasons(self, changed: Iterable[Mapping[str, Any]]) -> Block:
        cases: dict[str, tuple[list[str], list[str]]] = defaultdict(lambda: ([], []))
        for one in changed:
            for side, name in enumerate(("new", "gone")):
                for code in one[name]:
                    cases[code][side].append(one["case"])
        rows = [
            [f"`{code}`", str(len(new)), str(len(gone)), self._cases([*new, *gone])]
            for code, (new, gone) in sorted(cases.items())
        ]
        return self._table(("reason", "newly", "gone", "cases"), rows)

    def _referrals(self) -> Iterator[Block]:
        words, referrals = self._words, self._document["referrals"]
        yield Heading(words("heading.referrals"))
        yield Paragraph(words("referrals_note", **{side: referrals[side] for side in (NOW, THEN)}))
        for name in ("new", "gone"):
            if referrals[name]:
                yield Heading(words(f"heading.{name}"), 3)
                rows = [
                    [
                        self._name("agencies", one["agency"]),
                        self._purpose(one["purpose"]),
                        str(one["count"]),
                        self._cases(one["cases"]),
                    ]
                    for one in referrals[name]
                ]
                yield self._table(("agency", "purpose", "count", "cases"), rows)
        if referrals["changed"]:
            yield Heading(words("heading.changed"), 3)
            yield self._changed(referrals["changed"])
        if not any(referrals[name] for name in ("new", "gone", "changed")):
            yield Paragraph(words("none"))

    def _changed(self, changed: Iterable[Mapping[str, Any]]) -> Block:
        """Return a table with a row for each kind of change."""
        cases: dict[tuple[str, str, str], list[str]] = defaultdict(list)
        for one in changed:
            for field in one["fields"]:
                cases[one["agency"], one["purpose"], field].append(one["case"])
        rows = [
            [
                self._name("agencies", agency),
                self._purpose(purpose),
                self._words(f"fields.{field}"),
                str(len(found)),
                self._cases(found),
            ]
            for (agency, purpose, field), found in sorted(cases.items())
        ]
        return self._table(("agency", "purpose", "what", "count", "cases"), rows)

    def _deadlines(self) -> Iterator[Block]:
        words, deadlines = self._words, self._document["deadlines"]
        yield Heading(words("heading.deadlines"))
        yield Paragraph(words("deadlines_note"))
        figures = {
            f"{words(name)}: {words(state)}": (deadlines[name][NOW][state], deadlines[name][THEN][state])
            for name in ("acknowledge", "finish")
            for state in STATES
        }
        yield self._figures("what", figures)

    def _tasks(self) -> Iterator[Block]:
        names = ("consents_to_ask_for", "mediation_refused")
        yield Heading(self._words("heading.tasks"))
        figures = {self._words(name): (self._document[name][NOW], self._document[name][THEN]) for name in names}
        yield self._figures("what", figures)

    def _volunteers(self) -> Iterator[Block]:
        words, volunteers = self._words, self._document["volunteers"]
        yield Heading(words("heading.volunteers"))
        yield self._figures(
            "what", {words(name): (volunteers[NOW][name], volunteers[THEN][name]) for name in volunteers[NOW]}
        )
        for name in ("new", "gone"):
            if volunteers[name]:
                yield Heading(words(f"heading.helped_{name}"), 3)
                yield self._helped(volunteers[name])

    def _helped(self, rows: Iterable[Mapping[str, str]]) -> Block:
        found: dict[str, list[Mapping[str, str]]] = defaultdict(list)
        for one in rows:
            found[one["skill"]].append(one)
        return self._table(
            ("skill", "volunteers_named", "count", "cases"),
            [
                [
                    self._name("skills", skill),
                    self._cases(sorted({one["volunteer"] for one in those})),
                    str(len({one["case"] for one in those})),
                    self._cases(sorted({one["case"] for one in those})),
                ]
                for skill, those in sorted(found.items())
            ],
        )

    def _notices(self) -> Iterator[Block]:
        words, notices = self._words, self._document["notices"]
        yield Heading(words("heading.notices"))
        ways = dict.fromkeys([*notices[NOW], *notices[THEN]])
        names = {way: words("held") if way == HELD else self._name("channels", way) for way in ways}
        figures = {name: (notices[NOW].get(way, 0), notices[THEN].get(way, 0)) for way, name in names.items()}
        yield self._figures("channel", figures)

    def _figures(self, about: str, figures: Mapping[str, tuple[int, int]]) -> Block:
        rows = [
            [name, str(now), str(then), f"{then - now:+d}" if then != now else "–"]
            for name, (now, then) in figures.items()
        ]
        return self._table((about, "in_force", "other", "difference"), rows)

    def _table(self, head: Sequence[str], rows: Sequence[Sequence[str]]) -> Table:
        return Table([self._words(name) for name in head], rows)

    def _cases(self, ids: Sequence[str]) -> str:
        more = len(ids) - self._ids
        shown = _codes(ids[: self._ids], " ")
        return f"{shown} {self._words('more', count=more)}" if more > 0 else shown


def _called(name: str, code: str) -> str:
    """Return what people call a code, and the code as it stands in the rules where that is another word."""
    return f"`{code}`" if name in {"", code} else f"{name} `{code}`"


def _codes(codes: Iterable[str], between: str = ", ") -> str:
    return between.join(f"`{code}`" for code in codes)
