"""Persons are compared by tokens that tell nothing and mean nothing elsewhere."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.privacy import BlindIndex, normal_id_number, normal_name, normal_phone

BLIND = BlindIndex(bytes(32))


@given(text=st.text(max_size=50))
def test_the_same_text_makes_the_same_token(text: str) -> None:
    token = BLIND("phone", text)

    assert token == BLIND("phone", text)
    assert len(token) == 22
    assert token.isascii()


@given(one=st.text(max_size=20), other=st.text(max_size=20))
def test_other_texts_other_tokens(one: str, other: str) -> None:
    assert (BLIND("name", one) == BLIND("name", other)) == (one == other)


def test_a_token_means_nothing_in_another_name_space_or_under_another_key() -> None:
    token = BLIND("phone", "13800000001")

    assert token != BLIND("name", "13800000001")
    assert token != BlindIndex(bytes([1] * 32))("phone", "13800000001")


@pytest.mark.parametrize("length", [0, 31, 64])
def test_the_index_key_has_32_bytes(length: int) -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        BlindIndex(bytes(length))


@pytest.mark.parametrize(
    "written", ["13800000001", "138 0000 0001", "138-0000-0001", "+86 13800000001", "008613800000001"]
)
def test_a_phone_is_the_same_however_it_is_written(written: str) -> None:
    assert normal_phone(written) == "13800000001"


@pytest.mark.parametrize("written", ["0577-8888 8888", "057788888888"])
def test_a_landline_keeps_its_area_code(written: str) -> None:
    assert normal_phone(written) == "057788888888"


def test_names_and_id_numbers_are_compared_in_one_form() -> None:
    assert normal_name(" Zoe\u0308 ") == normal_name("Zoë")
    assert normal_id_number(" 33030219910502002x ") == "33030219910502002X"
