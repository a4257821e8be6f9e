# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""A stack of small images."""

from __future__ import annotations

__all__ = ("StampStatus", "Stamps")

import enum
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, overload

import astropy.units as u
import numpy as np

from .._geom import YX, Box, Interval
from .._pixels import Image, Mask, MaskedImage, MaskSchema
from .._transforms import Projection
from ..describe import Described
from ..errors import InvalidArgumentError
from ..utils import short_repr


class StampStatus(enum.IntEnum):
    """How a stamp was read."""

    OK = 0
    """The stamp lies within its image."""

    EDGE = 1
    """A part of the stamp lies outside its image, and is filled."""

    OUTSIDE = 2
    """The whole stamp lies outside its image."""

    INVALID = 3
    """The position is not a number."""

    UNREADABLE = 4
    """The image, or the part of it, could not be read."""


class Stamps(Described):
    """Small images of equal size around many positions, as one stack of pixels.

    Parameters
    ----------
    image
        Pixels (shape ``(n, y, x)``).
    start
        Absolute coordinates of the first pixel of each stamp (integers, shape ``(n, 2)``: y, x).
    mask
        Mask pixels (shape ``(n, y, x, bytes)``), or `None`.
    variance
        Variances (shape ``(n, y, x)``), or `None`.
    mask_schema
        Planes of the mask.
    unit
        Unit of the image; that of the variance is its square.
    status
        `StampStatus` of each stamp (integers, shape ``(n,)``); by default all are good.
    errors
        Why stamps could not be read, by index.
    source
        Index of the image that each stamp is from (integers, shape ``(n,)``); by default 0.
    projections
        Sky projection of each image, or `None`.

    Raises
    ------
    InvalidArgumentError
        If shapes do not agree.

    Notes
    -----
    ``stamps[i]`` is a `MaskedImage` (an `Image` without a mask) that shares the pixels, and
    ``stamps[i:j]``, or an array of indices or booleans as index, gives other `Stamps`.
    """

    def __init__(
        self,
        image: np.ndarray,
        start: np.ndarray,
        *,
        mask: np.ndarray | None = None,
        variance: np.ndarray | None = None,
        mask_schema: MaskSchema | None = None,
        unit: u.UnitBase | None = None,
        status: np.ndarray | None = None,
        errors: Mapping[int, str] | None = None,
        source: np.ndarray | None = None,
        projections: Sequence[Projection[Any] | None] = (),
    ) -> None:
        n = len(image)
        self.image = image
        self.start = np.asarray(start, dtype=np.int64)
        self.mask = mask
        self.variance = variance
        self.mask_schema = mask_schema
        self.unit = unit
        self.status = np.zeros(n, np.uint8) if status is None else np.asarray(status, dtype=np.uint8)
        self.errors = dict(errors or {})
        self.source = np.zeros(n, np.int64) if source is None else np.asarray(source, dtype=np.int64)
        self.projections = list(projections)
        self._check()

    def _check(self) -> None:
        n = len(self.image)
        expected = {
            "start": (self.start, (n, 2)),
            "variance": (self.variance, self.image.shape),
            "status": (self.status, (n,)),
            "source": (self.source, (n,)),
        }
        if self.mask is not None:
            size = 0 if self.mask_schema is None else self.mask_schema.mask_size
            expected["mask"] = (self.mask, (*self.image.shape, size))
        for name, (array, shape) in expected.items():
            if array is not None and array.shape != shape:
                raise InvalidArgumentError(
                    f"The array {name} of stamps has the shape {array.shape}; with an image of shape "
                    f"{self.image.shape} it must be {shape}."
                )

    @property
    def size(self) -> YX[int]:
        """Numbers of rows and columns of a stamp."""
        return YX(*self.image.shape[1:])

    @property
    def good(self) -> np.ndarray:
        """Whether each stamp has pixels of its image (`bool`, shape ``(n,)``)."""
        return np.asarray(self.status <= StampStatus.EDGE)

    def bbox(self, index: int) -> Box:
        """Return the box of a stamp.

        Parameters
        ----------
        index
            Index of the stamp.

        Returns
        -------
        bbox
            Absolute pixels.
        """
        y, x = self.start[index].tolist()
        return Box(Interval.from_size(self.size.y, y), Interval.from_size(self.size.x, x))

    def __len__(self) -> int:
        return len(self.image)

    @overload
    def __getitem__(self, index: int) -> MaskedImage | Image: ...

    @overload
    def __getitem__(self, index: slice | np.ndarray | list[Any]) -> Stamps: ...

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice | np.ndarray | list):
            return self._subset(index)
        try:
            i = range(len(self))[index]
        except TypeError:
            raise TypeError(
                f"Stamps are indexed by an integer, a slice or an array; got {short_repr(index)}."
            ) from None
        bbox, projection = self.bbox(i), self._projection(i)
        image = Image(self.image[i], bbox=bbox, unit=self.unit, projection=projection)
        if self.mask is None or self.mask_schema is None or self.variance is None:
            return image
        mask = Mask(self.mask[i], schema=self.mask_schema, bbox=bbox)
        variance_unit = None if self.unit is None else self.unit**2
        return MaskedImage(image, mask=mask, variance=Image(self.variance[i], bbox=bbox, unit=variance_unit))

    def __iter__(self) -> Iterator[MaskedImage | Image]:
        return (self[i] for i in range(len(self)))

    def _projection(self, i: int) -> Projection[Any] | None:
        return self.projections[self.source[i]] if self.projections else None

    def _subset(self, index: Any) -> Stamps:
        rows = np.arange(len(self))[index]
        return Stamps(
            self.image[index],
            self.start[index],
            mask=None if self.mask is None else self.mask[index],
            variance=None if self.variance is None else self.variance[index],
            mask_schema=self.mask_schema,
            unit=self.unit,
            status=self.status[index],
            errors={k: self.errors[i] for k, i in enumerate(rows.tolist()) if i in self.errors},
            source=self.source[index],
            projections=self.projections,
        )

    def __str__(self) -> str:
        counts = {status.name: int(np.count_nonzero(self.status == status)) for status in StampStatus}
        found = ", ".join(f"{n} {name}" for name, n in counts.items() if n)
        return f"Stamps({len(self)} of {self.size.y}x{self.size.x} pixels: {found or 'none'})"

    def __repr__(self) -> str:
        return f"<{self}>"
