"""The lines of the referral table, as the file rules/referrals.yml says them."""

from pathlib import Path
from typing import Final

from msgspec import Struct

from services.referral.deadline import Limit, limit
from shared.events.vocabulary import AGENCIES, BASES, GRADES
from shared.rules import Condition, Subject, Table, condition, read

_SHIPPED: Final = Path(__file__).parent / "rules" / "referrals.yml"


class Line(Struct, frozen=True, kw_only=True):
    """One line of the table: when it holds, who is told for what, why that is allowed, and until when."""

    code: str
    when: Condition
    agency: str
    purpose: str
    basis: str
    #: In a child case the basis is duty.
    duty_for_child: bool
    acknowledge: Limit
    finish: Limit
    #: By grade, where it must go faster.
    faster_finish: dict[str, Limit]
    green_channel: Condition | None

    def basis_for(self, case: Subject) -> str:
        """Return why the agency may be told of a case."""
        return "duty" if self.duty_for_child and "child_case" in case.flags else self.basis

    def finish_for(self, case: Subject) -> Limit:
        """Return how long the agency has, with a case of this grade."""
        return self.faster_finish.get(case.grade, self.finish)

    def is_green(self, case: Subject) -> bool:
        """Return whether there is no means test."""
        return self.green_channel is not None and self.green_channel(case)


def load(folder: Path | None = None) -> tuple[Line, ...]:
    """Read the table, from `folder` where it has a referrals.yml of its own.

    Raises:
        RuleError: the file says something that cannot be meant.
    """
    table = read(_SHIPPED, folder)
    lines = tuple(_line(line) for line in table.tables("lines"))
    table.end()
    return lines


def _line(table: Table) -> Line:
    line = Line(
        code=table.code("code"),
        when=condition(table.table("when")),
        agency=table.text("agency", AGENCIES),
        purpose=table.code("purpose"),
        basis=table.text("basis", BASES),
        duty_for_child=table.flag("duty_for_child"),
        acknowledge=_limit(table.table("acknowledge")),
        finish=_limit(table.table("finish")),
        faster_finish=_faster(table) if "faster_finish" in table else {},
        green_channel=condition(table.table("green_channel")) if "green_channel" in table else None,
    )
    table.end()
    return line


def _faster(table: Table) -> dict[str, Limit]:
    return {entry.text("grade", GRADES): _limit(entry) for entry in table.tables("faster_finish")}


def _limit(table: Table) -> Limit:
    written, source = table.text("within"), table.text("source")
    table.end()
    try:
        return limit(written, source)
    except ValueError as error:
        raise table.error(str(error)) from error
