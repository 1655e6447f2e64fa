"""What the edge makes of persons and places before the domain sees them."""

from services.intake.persons import Identity, identified, tokens
from tests.acceptance.city import blind
from tests.acceptance.people import LI, WANG, report


def test_tokens_stand_for_persons_and_for_the_levels_below_the_county() -> None:
    made = tokens(report(district="33030200401205", client={**WANG, "id_number": "33030219910502001x"}), blind)
    assert made == {
        "client": {"names": ["name:王某"], "phones": ["phone:13800000001"], "ids": ["id:33030219910502001X"]},
        "accused": {"names": ["name:李某"], "phones": ["phone:13800000002"], "ids": []},
        "shared_phones": [],
        "place": ["place:330302004", "place:330302004012", "place:33030200401205"],
        "birth_years": ["birth_year:1990", "birth_year:1991", "birth_year:1992"],
    }


def test_nothing_given_makes_no_tokens() -> None:
    made = tokens(report(role=None, district="3303", client=None, accused=None), blind)
    assert made == {
        "client": {"names": [], "phones": [], "ids": []},
        "accused": {"names": [], "phones": [], "ids": []},
        "shared_phones": [],
        "place": [],
        "birth_years": [],
    }


def test_a_phone_given_for_both_is_taken_from_both_also_when_the_reporter_gave_it() -> None:
    found = identified(report(reporter={"role": "self", "phone": LI["phone"]}, client={"name": "王某"}))
    assert found.client == Identity(name="王某", phone=None, id_number=None)
    assert found.accused == Identity(name="李某", phone=None, id_number=None)
    assert found.shared_phone == LI["phone"]


def test_names_are_compared_composed() -> None:
    assert identified(report(client={"name": "Ame\u0301lie"})).client.name == "Am\u00e9lie"
