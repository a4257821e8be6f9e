# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""An old in-memory type, taken by every ``Image.from_legacy``."""

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
def convert_from_legacy(legacy, pytype, options):
    """Convert; ``None`` leaves it to the next plugin."""
    if isinstance(legacy, OldImage) and pytype is Image:
        return Image(legacy.pixels, start=(legacy.corner[1], legacy.corner[0]), unit=options.get("unit"))
    return None
