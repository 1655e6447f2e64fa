"""A report key is idempotent."""

import pytest

from shared.kernel import Conflict
from tests.acceptance.city import City, report_command
from tests.acceptance.people import report


def test_given_the_same_key_and_content_twice_there_is_one_report_and_one_answer() -> None:
    city = City()
    message = report_command(report(category="domestic_violence"))
    facts, answer = city.intake.hear(message)
    again, same_answer = city.intake.hear(message)
    assert facts
    assert again == []
    assert same_answer == answer


def test_given_the_same_key_with_other_content_it_is_refused_and_the_first_stands() -> None:
    city = City()
    first = report(category="domestic_violence")
    city.receive(first)
    before = city.case_of(first["report_key"])
    with pytest.raises(Conflict) as refused:
        city.receive({**first, "risk_factors": ["strangulation"]})
    assert refused.value.field == "report_key"
    assert refused.value.slug == "report-key-conflict"
    assert city.case_of(first["report_key"]) == before


def test_the_answer_says_what_became_of_the_report() -> None:
    _, answer = City().intake.hear(report_command(report(report_key="K-1", category="domestic_violence")))
    assert answer is not None
    assert set(answer) == {"report_id", "report_key", "case_id", "opens_case", "grade", "reasons", "escalated"}
    assert (answer["report_key"], answer["opens_case"], answer["grade"]) == ("K-1", True, "yellow")


def test_what_a_report_does_to_other_cases_comes_first_then_the_report_its_case_and_its_risk() -> None:
    city = City()
    his = report(client={"name": "李某", "phone": "13800000002"}, accused=None)
    city.receive(his)
    facts, _ = city.intake.hear(report_command(report(category="domestic_violence", immediate_danger=True)))
    assert [fact.type for fact in facts] == [
        "case.other_side_found",
        "report.received",
        "case.created",
        "risk.assessed",
        "risk.escalated",
    ]
    his_again = report(client={"name": "李某", "phone": "13800000002"}, accused={"name": "王某"}, district="330381")
    facts, _ = city.intake.hear(report_command(his_again))
    assert [fact.type for fact in facts] == ["report.received"]
