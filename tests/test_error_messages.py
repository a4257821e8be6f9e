# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Length and content of error messages."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lsst.images.errors import MAX_MESSAGE_LENGTH, ImagesError, InvalidArgumentError
from lsst.images.utils import MAX_REPR_LENGTH, short_repr


@given(st.one_of(st.text(), st.binary(), st.integers(), st.lists(st.floats())))
def test_short_repr_short_value_equals_repr(value: object) -> None:
    text = repr(value)
    if len(text) <= MAX_REPR_LENGTH:
        assert short_repr(value) == text
    else:
        assert len(short_repr(value)) <= MAX_REPR_LENGTH
        assert text.startswith(short_repr(value)[:100])


@pytest.mark.parametrize("value", [b"\xff" * 3_000_000, "x" * 3_000_000, [0] * 1_000_000])
def test_short_repr_long_value_is_cut(value: object) -> None:
    text = short_repr(value)
    assert len(text) <= MAX_REPR_LENGTH and "000" in text


def test_short_repr_failing_repr_names_type() -> None:
    class Failing:
        def __repr__(self) -> str:
            raise RuntimeError("no text")

    assert short_repr(Failing()) == "<Failing>"


def test_images_error_long_message_is_cut() -> None:
    assert len(str(InvalidArgumentError("x" * 1_000_000))) <= MAX_MESSAGE_LENGTH
    assert str(ImagesError("short")) == "short"
    assert ImagesError("a", 3).args == ("a", 3)
