# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""A converter for an in-memory type, used by ``Image.from_legacy``."""

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
def convert_from_legacy(legacy, pytype, options):
    """Convert an `OldImage`; return `None` for all other objects."""
    if isinstance(legacy, OldImage) and pytype is Image:
        return Image(legacy.pixels, start=(legacy.corner[1], legacy.corner[0]), unit=options.get("unit"))
    return None
