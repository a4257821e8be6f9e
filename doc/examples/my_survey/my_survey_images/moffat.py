# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""A PSF of one's own: a type that evaluates, a model that stores."""

from typing import Self

import numpy as np
from lsst.images import BoundsError, Box, Image
from lsst.images.psfs import PointSpreadFunction
from lsst.images.serialization import ArchiveTree

HALF = 12  # pixels to each side of the star


class MoffatPSF(PointSpreadFunction):
    """The Moffat (1969) profile, the same everywhere."""

    def __init__(self, *, width: float, beta: float, bounds: Box) -> None:
        self.width, self.beta, self._bounds = width, beta, bounds

    @property
    def bounds(self) -> Box:
        """Where it is defined."""
        return self._bounds

    @property
    def kernel_bbox(self) -> Box:
        """Box of all its images."""
        return Box.factory[-HALF : HALF + 1, -HALF : HALF + 1]

    def compute_kernel_image(self, *, x: float, y: float) -> Image:
        """Evaluate; all other ways to ask for the PSF end here."""
        if not self.bounds.contains(x=x, y=y):
            raise BoundsError(f"x={x}, y={y} lies outside {self.bounds}.")
        dy, dx = np.ogrid[-HALF : HALF + 1, -HALF : HALF + 1]
        profile = (1 + (dy**2 + dx**2) / self.width**2) ** -self.beta
        return Image(profile / profile.sum(), bbox=self.kernel_bbox)


class MoffatPSFModel(ArchiveTree, schema="my_survey.moffat_psf", version="1.0.0"):
    """How it is packed: three values, no array."""

    width: float
    beta: float
    bounds: Box

    @classmethod
    def serialize(cls, obj, archive) -> Self:
        """Pack."""
        return cls(width=obj.width, beta=obj.beta, bounds=obj.bounds)

    def deserialize(self, archive) -> MoffatPSF:
        """Unpack."""
        return MoffatPSF(width=self.width, beta=self.beta, bounds=self.bounds)
