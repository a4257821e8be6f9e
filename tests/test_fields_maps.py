# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Named backgrounds."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from helpers.marks import copies
from lsst.images import Background, BackgroundMap, Box
from lsst.images.fields import ChebyshevField

BOX = Box.factory[0:40, 0:50]
SKY = ChebyshevField(BOX, [[1.0, 2.0]])
FRINGE = ChebyshevField(BOX, [[3.0]])


def make_map() -> BackgroundMap:
    return BackgroundMap([Background("sky", SKY, "The sky."), Background("fringe", FRINGE)], "sky")


def test_background_map_keeps_order() -> None:
    backgrounds = make_map()
    assert list(backgrounds) == ["sky", "fringe"]
    assert len(backgrounds) == 2
    assert backgrounds["fringe"] == Background("fringe", FRINGE, "")
    assert "sky" in backgrounds
    with pytest.raises(KeyError, match="flat"):
        backgrounds["flat"]


def test_background_map_subtracted_is_one_background_or_none() -> None:
    assert make_map().subtracted == Background("sky", SKY, "The sky.")
    assert BackgroundMap().subtracted is None
    with pytest.raises(KeyError, match="Unknown background 'flat'"):
        BackgroundMap([Background("sky", SKY)], "flat")


def test_background_map_add_appends_and_rejects_existing_name() -> None:
    backgrounds = BackgroundMap()
    backgrounds.add("sky", SKY, is_subtracted=True)
    backgrounds.add("fringe", FRINGE, "Fringes.")
    assert list(backgrounds) == ["sky", "fringe"]
    assert backgrounds.subtracted == backgrounds["sky"]
    backgrounds.add("second", SKY, is_subtracted=True)
    assert backgrounds.subtracted == backgrounds["second"]
    with pytest.raises(KeyError, match="'sky' already"):
        backgrounds.add("sky", FRINGE)


def test_background_map_duplicate_names_raise() -> None:
    with pytest.raises(KeyError, match="'sky' already"):
        BackgroundMap([Background("sky", SKY), Background("sky", FRINGE)])


@copies
def test_background_map_copies_are_equal_and_independent(duplicate: Callable[[Any], Any]) -> None:
    original = make_map()
    other = duplicate(original)
    assert other == original
    other.add("third", SKY, is_subtracted=True)
    assert other != original
    assert list(original) == ["sky", "fringe"]
    assert original.subtracted == original["sky"]


def test_background_map_equality_compares_names_models_and_order() -> None:
    reverse = BackgroundMap(reversed(list(make_map().values())), "sky")
    assert make_map() == make_map()
    assert make_map() != reverse
    assert make_map() != BackgroundMap(make_map().values())
    assert make_map() != {}
    with pytest.raises(TypeError, match="unhashable"):
        hash(make_map())


def test_background_map_text_marks_subtracted() -> None:
    assert str(make_map()) == "sky (subtracted), fringe"
    assert str(BackgroundMap()) == "no backgrounds"
    assert "'Fringes'" not in repr(make_map())
    assert repr(make_map()).startswith("BackgroundMap([Background(name='sky'")


def test_background_is_immutable() -> None:
    with pytest.raises(AttributeError):
        make_map()["sky"].name = "other"  # type: ignore[misc]  # the point of the test
