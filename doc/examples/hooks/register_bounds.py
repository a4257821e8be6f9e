# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""A bounds type: a disc, in which a PSF, a field or a projection is defined."""

from __future__ import annotations

import numpy as np
import pydantic
from lsst.images import XY, Bounds, Box
from lsst.images.plugins import BoundsSpec, hookimpl


class DiscModel(pydantic.BaseModel):
    """Serialized form of a disc."""

    center: tuple[float, float]
    radius: float

    def deserialize(self) -> Disc:
        """Convert the model to a disc."""
        return Disc(*self.center, self.radius)


class Disc(Bounds):
    """Positions within a radius around a center."""

    def __init__(self, x: float, y: float, radius: float) -> None:
        self.center, self.radius = XY(x, y), radius

    @property
    def bbox(self) -> Box:
        """The smallest box that contains the disc."""
        (x, y), r = self.center, self.radius
        return Box.from_float_bounds(x_min=x - r, x_max=x + r, y_min=y - r, y_max=y + r)

    def contains(self, point=None, /, *, x=None, y=None):
        """Test whether positions are in the disc."""
        x, y = (x, y) if point is None else (point.x, point.y)
        distance = np.hypot(np.subtract(x, self.center.x), np.subtract(y, self.center.y))
        return distance < self.radius if np.ndim(distance) else bool(distance < self.radius)

    def serialize(self) -> DiscModel:
        """Convert the disc to its model."""
        return DiscModel(center=self.center, radius=self.radius)


def with_box(disc: Disc, box: Box) -> Disc | None:
    """Return the disc if it lies in the box; `None` if the intersection has no simpler form."""
    return disc if box.contains(disc.bbox) else None


@hookimpl
def register_bounds():
    """Declare the type, its model, and its intersection with boxes."""
    return [
        BoundsSpec(
            pytype=f"{__name__}:Disc",
            model=f"{__name__}:DiscModel",
            members=frozenset({"center", "radius"}),
            intersections={"lsst.images:Box": f"{__name__}:with_box"},
        )
    ]
