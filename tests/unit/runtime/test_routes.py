"""An address leads to one who answers, or says what is there instead."""

from dataclasses import dataclass

import pytest

from shared.kernel import NotFound
from shared.runtime.problem import Invalid
from shared.runtime.routes import MAX_PARAMETERS, NoMethod, Routes, parameters


@dataclass
class Route:
    method: str
    path: str


@pytest.fixture
def routes() -> Routes[Route]:
    found: Routes[Route] = Routes()
    for method, path in (("GET", "/cases"), ("POST", "/cases"), ("GET", "/cases/<case_id>"), ("POST", "/reports")):
        found.add(Route(method, path))
    return found


@pytest.mark.parametrize(
    ("method", "path", "found", "parts"),
    [
        ("GET", "/cases", ("GET", "/cases"), {}),
        ("POST", "/cases", ("POST", "/cases"), {}),
        ("HEAD", "/cases", ("GET", "/cases"), {}),
        ("GET", "/cases/7", ("GET", "/cases/<case_id>"), {"case_id": "7"}),
        ("HEAD", "/cases/王 某", ("GET", "/cases/<case_id>"), {"case_id": "王 某"}),
    ],
)
def test_an_address_leads_to_who_answers(
    routes: Routes[Route], method: str, path: str, found: tuple[str, str], parts: dict[str, str]
) -> None:
    route, varying = routes.find(method, path)

    assert ((route.method, route.path), varying) == (found, parts)


@pytest.mark.parametrize("path", ["/", "", "/case", "/cases/", "/cases/7/8", "/cases/" + "7" * 129, "/cases\n"])
def test_other_addresses_lead_nowhere(routes: Routes[Route], path: str) -> None:
    with pytest.raises(NotFound):
        routes.find("GET", path)


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("DELETE", "/cases", "GET, HEAD, POST"),
        ("POST", "/cases/7", "GET, HEAD"),
        ("HEAD", "/reports", "POST"),
        ("get", "/reports", "POST"),
    ],
)
def test_a_method_that_is_not_taken_is_told_which_are(
    routes: Routes[Route], method: str, path: str, allowed: str
) -> None:
    with pytest.raises(NoMethod) as caught:
        routes.find(method, path)

    assert caught.value.allowed == allowed


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", {}),
        ("a=1&b=%E7%8E%8B+x", {"a": "1", "b": "王 x"}),
        ("a=&b", {"a": "", "b": ""}),
        ("a=1=2", {"a": "1=2"}),
    ],
)
def test_parameters_are_read_also_empty_ones(query: str, found: dict[str, str]) -> None:
    assert parameters(query) == found


@pytest.mark.parametrize(
    ("query", "field"), [("a=1&a=1", "a"), ("&".join(f"x{n}=1" for n in range(MAX_PARAMETERS + 1)), "query")]
)
def test_parameters_that_cannot_be_meant_are_refused(query: str, field: str) -> None:
    with pytest.raises(Invalid) as caught:
        parameters(query)

    assert [fault.field for fault in caught.value.faults] == [field]
