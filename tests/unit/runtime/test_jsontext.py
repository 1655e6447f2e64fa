"""What a parser would silently mend is refused, with a reason."""

import contextlib
import json
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.runtime.jsontext import parse
from shared.runtime.problem import Invalid

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=20,
)


@given(value=JSON)
def test_it_reads_what_json_says(value: Any) -> None:
    assert parse(json.dumps(value).encode()) == value


@given(body=st.binary(max_size=60))
def test_whatever_comes_it_says_what_is_wrong_or_reads_it(body: bytes) -> None:
    with contextlib.suppress(Invalid):
        parse(body)


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "empty"),
        (b" \n ", "empty"),
        (b'{"a": 1', "not JSON"),
        (b'{"a": 1} x', "not JSON"),
        (b"\xff\xfe{}", "UTF-8"),
        (b"NaN", "number"),
        (b'{"a": Infinity}', "number"),
        (b'{"a": ' + b"9" * 5_000 + b"}", "number"),
        (b"[" * 100_000, "nested too deep"),
        (b'{"a":' * 100_000, "nested too deep"),
    ],
)
def test_it_says_what_is_wrong(body: bytes, reason: str) -> None:
    with pytest.raises(Invalid, match=reason) as caught:
        parse(body)

    assert caught.value.status == 400


def test_a_key_that_stands_twice_is_named() -> None:
    with pytest.raises(Invalid) as caught:
        parse(b'{"client": {"name": "a", "sex": "female", "name": "b"}}')

    assert caught.value.faults[0].field == "name"


def test_a_key_that_stands_twice_is_found_quickly_among_many() -> None:
    names = ", ".join(f'"k{n}": 0' for n in range(100_000))
    began = time.perf_counter()
    with pytest.raises(Invalid, match="k99999"):
        parse(f'{{{names}, "k99999": 1}}'.encode())

    assert time.perf_counter() - began < 5
