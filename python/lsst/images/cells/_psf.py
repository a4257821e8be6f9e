# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""PSFs with one image per cell."""

from __future__ import annotations

__all__ = ("CellPointSpreadFunction",)

from typing import Any, Self, final, overload

import numpy as np
import numpy.typing as npt

from .._aliases import accepts_legacy_names
from .._geom import Bounds, Box, CellGrid, CellGridBounds, CellIJ
from .._pixels import Image
from ..errors import GeometryError
from ..plugins import registry
from ..psfs import VectorizedPointSpreadFunction, WarpingKernel
from ..psfs._resample import shift_stack
from ..utils import short_repr
from ._cell_numbers import cell_numbers, require_cell, slices_of

Float64Array = npt.NDArray[np.float64]


@final
class CellPointSpreadFunction(VectorizedPointSpreadFunction):
    """The PSF of a coadd, constant in each cell.

    Parameters
    ----------
    array
        Images, centred on their middle pixel: shape ``(ny, nx, h, w)`` for
        ``ny`` rows and ``nx`` columns of cells, with odd ``h`` and ``w``.
        Those of missing cells are ignored, and are usually NaN.  A float64
        array becomes read-only in place.
    bounds
        The cells, and which of them are missing.
    resampling_kernel
        Name of the kernel that shifts an image by a fraction of a pixel,
        ``"lanczos3"`` or ``"lanczos5"`` for instance.

    Raises
    ------
    GeometryError
        If the shape of the array differs from that of the cells, or the
        images do not have a middle pixel.

    Notes
    -----
    Index it with a `~lsst.images.Box` for the PSF of the cells that overlap
    the box, or with a `CellIJ` for the image of one cell.  Kernel images are
    not normalized.
    """

    def __init__(
        self, array: npt.ArrayLike, bounds: CellGridBounds, resampling_kernel: str = "lanczos5"
    ) -> None:
        values = np.asarray(array, dtype=np.float64)
        if values.ndim != 4 or values.shape[:2] != bounds.subgrid_size.as_tuple():
            raise GeometryError(
                f"Invalid shape {values.shape} of the array of a PSF of cells; expected (ny, nx, h, w) with "
                f"{bounds.subgrid_size} cells."
            )
        if not all(size % 2 for size in values.shape[2:]):
            raise GeometryError(f"Invalid shape {values.shape[2:]} of PSF images; both lengths must be odd.")
        self._kernel = WarpingKernel(resampling_kernel)
        values.flags.writeable = False
        self._array = values
        self._cells = bounds

    @property
    def array(self) -> Float64Array:
        """The images, read-only, shape ``(ny, nx, h, w)``."""
        return self._array

    @property
    def bounds(self) -> CellGridBounds:
        """The cells, without those that are missing."""
        return self._cells

    @property
    def grid(self) -> CellGrid:
        """The grid that the cells belong to."""
        return self._cells.grid

    @property
    def resampling_kernel(self) -> str:
        """Name of the kernel that shifts an image by a fraction of a pixel."""
        return self._kernel.name

    @property
    def kernel_bbox(self) -> Box:
        """Box of all kernel images; the star is centred on pixel (0, 0)."""
        height, width = self._array.shape[2:]
        return Box.from_shape((height, width), start=(-(height // 2), -(width // 2)))

    def _kernels(self, x: Float64Array, y: Float64Array) -> Float64Array:
        bbox, shape = self._cells.bbox, self._cells.grid.cell_shape
        return self._array[cell_numbers(y, bbox.y, shape.y), cell_numbers(x, bbox.x, shape.x)]

    def _stars(self, x: Float64Array, y: Float64Array, dx: Float64Array, dy: Float64Array) -> Float64Array:
        return shift_stack(self._kernels(x, y), dy, dx, self._kernel)

    @overload
    def __getitem__(self, key: Box) -> CellPointSpreadFunction: ...

    @overload
    def __getitem__(self, key: CellIJ) -> Image: ...

    def __getitem__(self, key: Box | CellIJ) -> CellPointSpreadFunction | Image:
        if isinstance(key, CellIJ):
            return Image(self._array[require_cell(self._cells, key)], bbox=self.kernel_bbox)
        if not isinstance(key, Box):
            raise TypeError(f"Invalid index {short_repr(key)} of a PSF of cells; expected a Box or a CellIJ.")
        bounds = self._cells[key]
        array = self._array[slices_of(bounds, self._cells)].copy()
        return CellPointSpreadFunction(array, bounds, self.resampling_kernel)

    @classmethod
    @accepts_legacy_names
    def from_legacy(cls, legacy: Any, bounds: Bounds | None = None) -> Self:
        """Convert from an `lsst.cell_coadds.StitchedPsf`.

        Parameters
        ----------
        legacy
            The legacy object.
        bounds
            Cells to keep; all by default.
        """
        return registry.convert_from_legacy(legacy, cls, bounds=bounds)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, CellPointSpreadFunction):
            return NotImplemented
        return (
            self._cells == other._cells
            and self._kernel == other._kernel
            and np.array_equal(self._array, other._array, equal_nan=True)
        )

    __hash__ = None  # type: ignore[assignment]  # equality compares arrays

    def __reduce__(self) -> tuple[Any, ...]:
        return CellPointSpreadFunction, (self._array, self._cells, self.resampling_kernel)
