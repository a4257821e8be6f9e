# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""The way back, taken by every ``to_legacy``."""

import dataclasses

import numpy as np
from lsst.images import Image
from lsst.images.plugins import hookimpl


@dataclasses.dataclass
class OldImage:
    """What the survey used before: pixels and the corner, x first."""

    pixels: np.ndarray
    corner: tuple[int, int]


@hookimpl
def convert_to_legacy(obj, options):
    """Convert, if the caller asks for it by ``survey=True``."""
    if isinstance(obj, Image) and options.get("survey"):
        return OldImage(obj.array.copy(), (obj.bbox.x.start, obj.bbox.y.start))
    return None
