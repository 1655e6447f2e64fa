from typing import Any

import pytest

from services.intake.persons import phone_of_client


def report(client: str | None = None, accused: str | None = None, reporter: str | None = None) -> dict[str, Any]:
    """Return a report that names these telephone numbers; the reporter is the client herself."""
    persons = {"client": client, "accused": accused, "reporter": reporter}
    said: dict[str, Any] = {who: {"phone": number} for who, number in persons.items() if number}
    said.setdefault("reporter", {})["role"] = "self"
    return said


@pytest.mark.parametrize(
    ("reports", "expected"),
    [
        ([report("13800000001")], "13800000001"),
        ([report("13800000001"), report("13800000002")], "13800000002"),
        ([report("13800000001"), report()], "13800000001"),
        ([report(reporter="13800000003")], "13800000003"),
        ([report("13800000001", accused="13800000001")], None),
        ([report("13800000001"), report("13800000002", accused="+86 138 0000 0002")], "13800000001"),
        ([report("13800000001"), report(accused="13800000001")], None),
        ([], None),
    ],
)
def test_a_client_is_never_reached_at_a_number_that_was_given_for_the_accused(
    reports: list[dict[str, Any]], expected: str | None
) -> None:
    assert phone_of_client(reports) == expected


def test_somebody_elses_number_is_not_hers() -> None:
    assert phone_of_client([{"reporter": {"role": "neighbour", "phone": "13800000004"}}]) is None
