# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Convolution kernels."""

from __future__ import annotations

__all__ = (
    "LegacyAnalyticKernel",
    "LegacyDeltaKernel",
    "LegacyFixedKernel",
    "LegacyLinearCombinationKernel",
    "decode_analytic",
    "decode_delta",
    "decode_fixed",
    "decode_linear_combination",
)

import dataclasses
from typing import Any

import numpy as np

from ..._geom import XY
from ...errors import CorruptArchiveError
from ._entries import LegacyEntry
from ._reader import LegacyArchive
from ._rows import LegacyRow, LegacyRows

MAX_SIDE = 10_000
"""Maximum number of rows and columns of a kernel; larger values are treated as damage."""


@dataclasses.dataclass(frozen=True, eq=False)
class LegacyFixedKernel:
    """A kernel that is an image.

    Parameters
    ----------
    image
        Shape ``(ny, nx)``.
    center
        Pixel of the image that is its centre.
    """

    image: np.ndarray
    center: XY[int]


@dataclasses.dataclass(frozen=True)
class LegacyDeltaKernel:
    """A kernel with a single pixel.

    Parameters
    ----------
    shape
        Numbers of rows and columns.
    center
        Pixel that is the centre.
    pixel
        The pixel with value 1.
    """

    shape: tuple[int, int]
    center: XY[int]
    pixel: XY[int]

    @property
    def image(self) -> np.ndarray:
        """The kernel as an image, shape ``(ny, nx)``."""
        image = np.zeros(self.shape)
        image[self.pixel.y, self.pixel.x] = 1.0
        return image


@dataclasses.dataclass(frozen=True)
class LegacyAnalyticKernel:
    """A kernel that is a function.

    Parameters
    ----------
    shape
        Numbers of rows and columns.
    center
        Pixel that is the centre.
    function
        Reference to the function.
    spatial
        References to functions of the position, one for each parameter of the
        function; empty if the kernel does not vary.
    """

    shape: tuple[int, int]
    center: XY[int]
    function: Any
    spatial: tuple[Any, ...]

    @property
    def image(self) -> np.ndarray:
        """The kernel as an image, shape ``(ny, nx)``, if it does not vary."""
        y, x = np.mgrid[: self.shape[0], : self.shape[1]]
        return np.asarray(self.function.part("evaluate")(x - self.center.x, y - self.center.y))


@dataclasses.dataclass(frozen=True, eq=False)
class LegacyLinearCombinationKernel:
    """A linear combination of kernels.

    Parameters
    ----------
    shape
        Numbers of rows and columns.
    center
        Pixel that is the centre.
    components
        References to the kernels.
    amplitudes
        Their amplitudes, if these do not vary.
    spatial
        References to the amplitudes as functions of the position, if they do.
    """

    shape: tuple[int, int]
    center: XY[int]
    components: tuple[Any, ...]
    amplitudes: np.ndarray | None
    spatial: tuple[Any, ...] | None


def _frame(row: LegacyRow) -> tuple[tuple[int, int], XY[int]]:
    size, center = row.corner("dimensions"), row.corner("center")
    if not (0 < size.x <= MAX_SIDE and 0 < size.y <= MAX_SIDE):
        raise CorruptArchiveError(f"a kernel has the invalid size {size.x} x {size.y} pixels")
    return (size.y, size.x), center


def _references(archive: Any, row: LegacyRow, name: str) -> tuple[Any, ...]:
    return tuple(archive.references(row.array(name).astype(np.int64).tolist())) if name in row else ()


def decode_fixed(
    archive: LegacyArchive, entry: LegacyEntry, tables: tuple[LegacyRows, ...]
) -> LegacyFixedKernel:
    """Decode a ``FixedKernel``.

    Parameters
    ----------
    archive, entry, tables
        See `LegacyDecoder`.
    """
    row = tables[0].one()
    shape, center = _frame(row)
    values = row.array("image").astype(np.float64)
    if values.size != shape[0] * shape[1]:
        raise CorruptArchiveError(f"the table has {values.size} pixels for a kernel of shape {shape}")
    return LegacyFixedKernel(values.reshape(shape), center)


def decode_delta(
    archive: LegacyArchive, entry: LegacyEntry, tables: tuple[LegacyRows, ...]
) -> LegacyDeltaKernel:
    """Decode a ``DeltaFunctionKernel``.

    Parameters
    ----------
    archive, entry, tables
        See `LegacyDecoder`.
    """
    row = tables[0].one()
    shape, center = _frame(row)
    pixel = row.corner("pixel")
    if not (0 <= pixel.x < shape[1] and 0 <= pixel.y < shape[0]):
        raise CorruptArchiveError(f"pixel {pixel} is outside a kernel of shape {shape}")
    return LegacyDeltaKernel(shape, center, pixel)


def decode_analytic(
    archive: LegacyArchive, entry: LegacyEntry, tables: tuple[LegacyRows, ...]
) -> LegacyAnalyticKernel:
    """Decode an ``AnalyticKernel``.

    Parameters
    ----------
    archive, entry, tables
        See `LegacyDecoder`.
    """
    row = tables[0].one()
    function = archive.reference(row.integer("kernelfunction"))
    return LegacyAnalyticKernel(*_frame(row), function, _references(archive, row, "spatialfunctions"))


def decode_linear_combination(
    archive: LegacyArchive, entry: LegacyEntry, tables: tuple[LegacyRows, ...]
) -> LegacyLinearCombinationKernel:
    """Decode a ``LinearCombinationKernel``.

    Parameters
    ----------
    archive, entry, tables
        See `LegacyDecoder`.
    """
    row = tables[0].one()
    components = _references(archive, row, "components")
    spatial = _references(archive, row, "spatialfunctions") or None
    amplitudes = row.array("amplitudes").astype(np.float64) if "amplitudes" in row else None
    for weights in (spatial, amplitudes):
        if weights is not None and len(weights) != len(components):
            raise CorruptArchiveError(
                f"a linear combination has {len(weights)} weights for {len(components)} kernels"
            )
    if not components or (spatial is None and amplitudes is None):
        raise CorruptArchiveError("a linear combination does not have kernels, or does not have weights")
    return LegacyLinearCombinationKernel(*_frame(row), components, amplitudes, spatial)
