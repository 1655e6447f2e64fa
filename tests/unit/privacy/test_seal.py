"""What is sealed opens with its own key in its own place, unchanged, or not at all."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.privacy import Key, SealBroken

KEY = Key(bytes(range(32)))


@given(clear=st.binary(max_size=300), context=st.text(max_size=40))
def test_what_was_sealed_opens_again(clear: bytes, context: str) -> None:
    assert KEY.open(KEY.seal(clear, context), context) == clear


@given(clear=st.binary(min_size=8, max_size=100))
def test_what_was_sealed_shows_nothing(clear: bytes) -> None:
    sealed = KEY.seal(clear, "intake/a")

    assert clear not in sealed
    assert sealed != KEY.seal(clear, "intake/a")


@given(data=st.data())
def test_a_changed_byte_is_noticed(data: st.DataObject) -> None:
    sealed = bytearray(KEY.seal(b"a narrative", "intake/a"))
    at = data.draw(st.integers(0, len(sealed) - 1))
    sealed[at] ^= data.draw(st.integers(1, 255))

    with pytest.raises(SealBroken):
        KEY.open(bytes(sealed), "intake/a")


@given(length=st.integers(0, 27))
def test_what_was_cut_is_noticed(length: int) -> None:
    with pytest.raises(SealBroken):
        KEY.open(KEY.seal(b"", "intake/a")[:length], "intake/a")


def test_it_opens_in_no_other_place_and_with_no_other_key() -> None:
    sealed = KEY.seal(b"a narrative", "intake/a")

    with pytest.raises(SealBroken):
        KEY.open(sealed, "intake/b")
    with pytest.raises(SealBroken):
        Key.new().open(sealed, "intake/a")


def test_a_key_is_kept_wrapped_by_another() -> None:
    inner = Key.new()
    wrapped = KEY.wrap(inner, "intake/a")

    assert KEY.unwrap(wrapped, "intake/a").open(inner.seal(b"x", "c"), "c") == b"x"
    with pytest.raises(SealBroken):
        KEY.unwrap(wrapped, "intake/b")


@pytest.mark.parametrize("length", [0, 16, 31, 33])
def test_a_key_has_32_bytes(length: int) -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        Key(bytes(length))


def test_a_key_does_not_show_itself() -> None:
    raw = bytes(range(32))

    assert raw.hex() not in repr(Key(raw))
    assert str(raw) not in repr(Key(raw))
