from tests.acceptance.city import WEEK, City, lines


def test_a_week_gives_what_the_rules_of_the_domain_say() -> None:
    city = City(lines(WEEK / "volunteers.jsonl"))
    rows = city.receive_all([*lines(WEEK / "earlier.jsonl"), *lines(WEEK / "reports.jsonl")])
    assert rows == lines(WEEK / "expected.jsonl")
