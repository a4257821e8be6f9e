# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""A region of one's own: a disc, which a PSF, a field or a projection can have."""

from __future__ import annotations

import numpy as np
import pydantic
from lsst.images import XY, Bounds, Box
from lsst.images.plugins import BoundsSpec, hookimpl


class DiscModel(pydantic.BaseModel):
    """The stored form."""

    center: tuple[float, float]
    radius: float

    def deserialize(self) -> Disc:
        """Make the region."""
        return Disc(*self.center, self.radius)


class Disc(Bounds):
    """All positions around a center."""

    def __init__(self, x: float, y: float, radius: float) -> None:
        self.center, self.radius = XY(x, y), radius

    @property
    def bbox(self) -> Box:
        """The smallest box that holds the disc."""
        (x, y), r = self.center, self.radius
        return Box.from_float_bounds(x_min=x - r, x_max=x + r, y_min=y - r, y_max=y + r)

    def contains(self, point=None, /, *, x=None, y=None):
        """Test positions."""
        x, y = (x, y) if point is None else (point.x, point.y)
        distance = np.hypot(np.subtract(x, self.center.x), np.subtract(y, self.center.y))
        return distance < self.radius if np.ndim(distance) else bool(distance < self.radius)

    def serialize(self) -> DiscModel:
        """Make the stored form."""
        return DiscModel(center=self.center, radius=self.radius)


def with_box(disc: Disc, box: Box) -> Disc | None:
    """Simplify what a disc shares with a box; `None` if it is part of the disc."""
    return disc if box.contains(disc.bbox) else None


@hookimpl
def register_bounds():
    """Say how discs are stored, and what they make with others."""
    return [
        BoundsSpec(
            pytype=f"{__name__}:Disc",
            model=f"{__name__}:DiscModel",
            members=frozenset({"center", "radius"}),
            intersections={"lsst.images:Box": f"{__name__}:with_box"},
        )
    ]
