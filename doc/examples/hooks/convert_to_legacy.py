# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""A converter to an in-memory type of another package, used by ``Image.to_legacy``."""

import dataclasses

import numpy as np
from lsst.images import Image
from lsst.images.plugins import hookimpl


@dataclasses.dataclass
class OldImage:
    """In-memory type of an older package: pixels and their origin (x, y)."""

    pixels: np.ndarray
    corner: tuple[int, int]


@hookimpl
def convert_to_legacy(obj, options):
    """Convert images if the caller passes ``survey=True``."""
    if isinstance(obj, Image) and options.get("survey"):
        return OldImage(obj.array.copy(), (obj.bbox.x.start, obj.bbox.y.start))
    return None
