from deploy.delivery import Count


def test_what_became_of_the_lines_is_one_sentence() -> None:
    count = Count(lines=146, accepted=145, repeated=3, rejected=1, seconds=0.31, rejects="a.rejects.ndjson")

    assert count.sentence("reports") == (
        "reports: 146 sent, 145 accepted (3 the same as an earlier line), 1 refused (see a.rejects.ndjson); 0.3 s"
    )
    assert Count(lines=1, accepted=1).sentence("volunteers") == "volunteers: 1 sent, 1 accepted, 0 refused; 0.0 s"


def test_the_figures_are_given_as_json() -> None:
    assert Count(lines=2, accepted=1, rejected=1, seconds=1.23456).as_json() == {
        "lines": 2,
        "accepted": 1,
        "repeated": 0,
        "rejected": 1,
        "rejects": None,
        "seconds": 1.235,
    }
