# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Tests of `lsst.images.utils`."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from lsst.images.utils import is_none, round_half_away_from_zero, round_half_down, round_half_up

HALF = Fraction(1, 2)


@given(st.floats(-1e18, 1e18) | st.integers(-99, 99).map(lambda n: n / 2))
def test_round_functions_match_exact_fractions(x: float) -> None:
    exact = Fraction(x)
    assert round_half_up(x) == math.floor(exact + HALF)
    assert round_half_down(x) == math.ceil(exact - HALF)
    away = math.floor(abs(exact) + HALF)
    assert round_half_away_from_zero(x) == (away if x >= 0 else -away)


@pytest.mark.parametrize("function", [round_half_up, round_half_down, round_half_away_from_zero])
def test_round_functions_return_int_and_raise_for_nan(function: object) -> None:
    assert callable(function)
    assert type(function(np.float32(2.5))) is int
    with pytest.raises(ValueError):
        function(math.nan)


def test_is_none_is_an_identity_test() -> None:
    assert is_none(None) is True
    assert is_none(0) is False
    assert is_none(np.zeros(3)) is False
