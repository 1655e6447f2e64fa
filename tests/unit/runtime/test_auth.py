"""Nobody gets in without a token of this house that is still good."""

import base64
import json
import time
import warnings
from datetime import UTC, datetime
from typing import Any

import jwt
import pytest
import time_machine
from hypothesis import example, given
from hypothesis import strategies as st

from shared.runtime.auth import Bearer, Gate, Role, Unauthorised, issue

KEY = bytes(32)
NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
GATE = Gate(KEY)


def header(token: str) -> str:
    return f"Bearer {token}"


def signed_otherwise() -> str:
    with warnings.catch_warnings(action="ignore"):  # the key is short for this algorithm
        return jwt.encode({"sub": "she", "role": "admin", "exp": 2**33}, KEY, algorithm="HS384")


def token(**claims: Any) -> str:
    # Good for very long: parameters are made when the tests are collected, and come to their turn much later.
    good = {"sub": "she", "role": "operator", "exp": 2**33}
    kept = {name: value for name, value in {**good, **claims}.items() if value is not None}
    return jwt.encode(kept, KEY, algorithm="HS256")


def test_a_token_says_who_comes_and_where_she_may_look() -> None:
    bearer = Bearer(name="she", role=Role.CASEWORKER, district="330302")

    assert GATE.bearer(header(issue(KEY, bearer, 60))) == bearer


def test_a_token_of_an_agency_names_its_key_and_says_when_it_ends() -> None:
    bearer = Bearer(name="wenzhou-police", role=Role.AGENCY, key="k1f0c9a3e")
    with time_machine.travel(NOON, tick=False):
        read = GATE.bearer(header(issue(KEY, bearer, 60)))

    assert read == bearer
    assert read.until == NOON.timestamp() + 60


def test_nobody_but_an_agency_has_a_key() -> None:
    assert GATE.bearer(header(token(role="admin", key="k1f0c9a3e"))).key == ""


def test_a_token_of_every_district_says_none() -> None:
    bearer = Bearer(name="she", role=Role.ADMIN)

    assert GATE.bearer(header(issue(KEY, bearer, 60))) == bearer
    assert bearer.covers("330302")


@pytest.mark.parametrize(
    ("district", "place", "covered"),
    [
        ("3303", "330302", True),
        ("330302", "330302004012", True),
        ("330302", "3303", False),
        ("330302", "330303", False),
    ],
)
def test_a_district_covers_what_lies_in_it(district: str, place: str, covered: bool) -> None:
    assert Bearer(name="she", role=Role.OPERATOR, district=district).covers(place) is covered


@pytest.mark.parametrize(
    "sent",
    [
        None,
        "",
        "Bearer",
        "Bearer ",
        "Basic YTpi",
        "bearer x",
        "Bearer x.y.z",
        header("a" * 5_000),
        header(jwt.encode({"sub": "she", "role": "admin", "exp": 2**33}, bytes([1] * 32), algorithm="HS256")),
        header(jwt.encode({"sub": "she", "role": "admin", "exp": 2**33}, None, algorithm="none")),
        header(signed_otherwise()),
        header(token(exp=None)),
        header(token(sub=None)),
        header(token(role=None)),
        header(token(role="queen")),
        header(token(role="agency")),
        header(token(role="agency", key="")),
        header(token(role="agency", key=7)),
        header(token(exp=int(time.time()) - 1)),
        header(token(nbf=2**33 - 1)),
    ],
)
def test_what_does_not_count_stays_out(sent: str | None) -> None:
    with pytest.raises(Unauthorised):
        GATE.bearer(sent)


def test_a_token_that_was_good_is_not_good_for_ever() -> None:
    gate = Gate(KEY)
    with time_machine.travel(NOON, tick=False) as clock:
        sent = header(issue(KEY, Bearer(name="she", role=Role.ADMIN), 1))
        gate.bearer(sent)
        clock.shift(1)

        with pytest.raises(Unauthorised, match="expired"):
            gate.bearer(sent)


def test_the_tokens_remembered_are_few() -> None:
    gate = Gate(KEY)
    for n in range(600):
        gate.bearer(header(token(sub=f"user {n}")))

    assert len(gate._good) <= 512


def _deep_header() -> str:
    nested = base64.urlsafe_b64encode(b"[" * 2_900).decode()
    return f"{nested}.e30.e30"


@given(sent=st.text(max_size=200))
@example(sent=_deep_header())
@example(sent=base64.urlsafe_b64encode(json.dumps({"alg": ["HS256"]}).encode()).decode() + ".e30.x")
@example(sent="é.é.é")
def test_no_rubbish_gets_in_or_breaks_the_gate(sent: str) -> None:
    with pytest.raises(Unauthorised):
        GATE.bearer(header(sent))
