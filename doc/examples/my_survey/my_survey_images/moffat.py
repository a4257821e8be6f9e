# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""A PSF type and its serialization model."""

from typing import Self

import numpy as np
from lsst.images import BoundsError, Box, Image
from lsst.images.psfs import PointSpreadFunction
from lsst.images.serialization import ArchiveTree

HALF = 12  # half size of a kernel image (pixels)


class MoffatPSF(PointSpreadFunction):
    """The Moffat (1969) profile, constant over the image."""

    def __init__(self, *, width: float, beta: float, bounds: Box) -> None:
        self.width, self.beta, self._bounds = width, beta, bounds

    @property
    def bounds(self) -> Box:
        """Region in which the PSF is defined."""
        return self._bounds

    @property
    def kernel_bbox(self) -> Box:
        """Bounding box of all kernel images."""
        return Box.factory[-HALF : HALF + 1, -HALF : HALF + 1]

    def compute_kernel_image(self, *, x: float, y: float) -> Image:
        """Evaluate the PSF; the other methods of the base class call this one."""
        if not self.bounds.contains(x=x, y=y):
            raise BoundsError(f"Position x={x}, y={y} is outside of the bounds {self.bounds} of the PSF.")
        dy, dx = np.ogrid[-HALF : HALF + 1, -HALF : HALF + 1]
        profile = (1 + (dy**2 + dx**2) / self.width**2) ** -self.beta
        return Image(profile / profile.sum(), bbox=self.kernel_bbox)


class MoffatPSFModel(ArchiveTree, schema="my_survey.moffat_psf", version="1.0.0"):
    """Serialization model: three values, no array."""

    width: float
    beta: float
    bounds: Box

    @classmethod
    def serialize(cls, obj, archive) -> Self:
        """Convert a PSF to a model."""
        return cls(width=obj.width, beta=obj.beta, bounds=obj.bounds)

    def deserialize(self, archive) -> MoffatPSF:
        """Convert the model to a PSF."""
        return MoffatPSF(width=self.width, beta=self.beta, bounds=self.bounds)
