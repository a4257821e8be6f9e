# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Base class of images that consist of one array."""

from __future__ import annotations

__all__ = ("ArrayImage", "take_matching")

from abc import abstractmethod
from typing import Any, Self

import numpy as np

from .._geom import Box
from .._transforms import Projection
from ..errors import GeometryError
from ..serialization import MetadataValue
from ._base import GeneralizedImage


class ArrayImage(GeneralizedImage):
    """An image whose pixels are one array, with rows and columns first.

    Parameters
    ----------
    array
        The pixels, of shape ``(ny, nx, ...)``; not copied.
    bbox
        Pixels that the array covers, in absolute coordinates.
    projection
        Projection that maps the pixel grid to the sky.
    metadata
        Arbitrary flexible metadata; kept by reference.
    """

    def __init__(
        self,
        array: np.ndarray,
        bbox: Box,
        projection: Projection[Any] | None,
        metadata: dict[str, MetadataValue] | None,
    ) -> None:
        super().__init__(metadata)
        self._array = array
        self._bbox = bbox
        self._projection = projection

    @abstractmethod
    def _replaced(self, array: np.ndarray, bbox: Box, metadata: dict[str, MetadataValue]) -> Self:
        """Return an image with other pixels, and the other attributes of this one."""

    @property
    def bbox(self) -> Box:
        """Pixels of the image, in absolute coordinates (`Box`)."""
        return self._bbox

    @property
    def projection(self) -> Projection[Any] | None:
        """The projection that maps the pixel grid to the sky
        (`Projection` | `None`).
        """
        return self._projection

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        """Return the pixels for ``np.asarray``: shared unless a copy or another type is requested."""
        if dtype is not None and np.dtype(dtype) != self._array.dtype:
            if copy is False:
                raise ValueError(f"Pixels of type {self._array.dtype} cannot be viewed as {np.dtype(dtype)}.")
            return self._array.astype(dtype)
        return self._array.copy() if copy else self._array

    def copy(self) -> Self:
        result = self._replaced(self._array.copy(), self._bbox, self._metadata.copy())
        return self._with_attachments_of(result, whole=False)

    def _view(self, bbox: Box) -> Self:
        return self._replaced(self._array[bbox.slice_within(self._bbox)], bbox, self._metadata)

    def __getstate__(self) -> dict[str, Any]:
        # Arrays do not preserve the writeable flag when pickled.
        return {**super().__getstate__(), "_frozen": not self._array.flags.writeable}

    def __setstate__(self, state: dict[str, Any]) -> None:
        frozen = state.pop("_frozen")
        super().__setstate__(state)
        if frozen:
            self._array.flags.writeable = False

    def __str__(self) -> str:
        return f"{type(self).__name__}({self._bbox}, {self._array.dtype})"

    def __repr__(self) -> str:
        return f"{type(self).__name__}(..., bbox={self._bbox!r}, dtype={self._array.dtype!r})"


def take_matching(other: ArrayImage, bbox: Box) -> np.ndarray:
    """Return the pixels of an image that are assigned to the pixels of a box.

    Parameters
    ----------
    other
        An image that contains the box, or has its shape.
    bbox
        The pixels to assign to.

    Returns
    -------
    array
        The pixels at the same absolute coordinates if ``other`` contains the
        box, otherwise all pixels.

    Raises
    ------
    GeometryError
        If the image neither contains the box nor has its shape.
    """
    if other.bbox.contains(bbox):
        return other._array[bbox.slice_within(other.bbox)]
    if other.bbox.shape != bbox.shape:
        raise GeometryError(
            f"Cannot assign the pixels {other.bbox} to the pixels {bbox}; "
            "the assigned image must contain these pixels or have the same shape."
        )
    return other._array
