# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Comparison of the metadata of images."""

from __future__ import annotations

from lsst.images import GeneralizedImage


def share_metadata(a: GeneralizedImage, b: GeneralizedImage) -> bool:
    """Return whether a change of the metadata of one image changes those of the other."""
    a.metadata["probe"] = 1
    shared = "probe" in b.metadata
    del a.metadata["probe"]
    assert "probe" not in b.metadata
    return shared
