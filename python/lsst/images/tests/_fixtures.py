# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Fixtures of pytest."""

from __future__ import annotations

__all__ = ("reset_afw_mask_planes",)

import importlib
from collections.abc import Iterator

import pytest


@pytest.fixture
def reset_afw_mask_planes() -> Iterator[None]:
    """Restore the mask planes of `lsst.afw.image.Mask`, which are global, after a test.

    Yields
    ------
    nothing
        It does nothing if `lsst.afw` is not installed.
    """
    try:
        mask = importlib.import_module("lsst.afw.image").Mask
    except ImportError:
        yield
        return
    before = dict(mask().getMaskPlaneDict())
    yield
    for name in dict(mask().getMaskPlaneDict()):
        if name not in before:
            mask.removeMaskPlane(name)
    for name, _ in sorted(before.items(), key=lambda item: item[1]):
        mask.addMaskPlane(name)
