# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""PSFs of cell coadds, stored as pickles whose images are FITS files."""

from __future__ import annotations

__all__ = ("LegacyStitchedPsf", "decode_stitched")

import dataclasses
from typing import Any

import numpy as np

from ..._geom import XY, Box, Interval
from ...errors import CorruptArchiveError
from ...fits import BytesSource, FitsFile
from ._entries import LegacyEntry
from ._kernels import MAX_SIDE
from ._pickle import read_pickle
from ._pickle_numpy import to_bytes, to_integer
from ._pickle_records import PickleObject
from ._reader import LegacyArchive
from ._rows import LegacyRows

MAX_CELLS = 1_000_000


@dataclasses.dataclass(frozen=True, eq=False)
class LegacyStitchedPsf:
    """A PSF for each cell of a grid.

    Parameters
    ----------
    bbox
        Box of the whole grid, without borders.
    cell_size
        Pixels of a cell.
    grid_shape
        Numbers of cells along x and y.
    padding
        Pixels around the whole grid that belong to the cells at its edge.
    images
        Kernel images by index ``(x, y)`` of the cell; all of one shape.
    """

    bbox: Box
    cell_size: XY[int]
    grid_shape: XY[int]
    padding: int
    images: dict[XY[int], np.ndarray]


def decode_stitched(
    archive: LegacyArchive, entry: LegacyEntry, tables: tuple[LegacyRows, ...]
) -> LegacyStitchedPsf:
    """Decode a ``StitchedPsf``.

    Parameters
    ----------
    archive, entry, tables
        See `LegacyDecoder`.
    """
    value = read_pickle(tables[0].one().blob("bytes"))
    if not (isinstance(value, tuple) and len(value) == 2):
        raise CorruptArchiveError("the pickle does not hold images and their grid")
    images, grid = value
    cells = _attribute(images, "_cells")
    if not isinstance(cells, dict) or len(cells) > MAX_CELLS:
        raise CorruptArchiveError("the pickle does not have images of cells, or too many")
    found = {_pair(index): _read_image(image) for index, image in cells.items()}
    if len({image.shape for image in found.values()}) > 1:
        raise CorruptArchiveError("the images of the cells have different shapes")
    return LegacyStitchedPsf(
        bbox=_box(_attribute(grid, "_bbox")),
        cell_size=_pair(_attribute(grid, "_cell_size")),
        grid_shape=_pair(_attribute(grid, "_shape")),
        padding=to_integer(_attribute(grid, "_padding", 0)),
        images=found,
    )


def _attribute(value: Any, name: str, default: Any = None) -> Any:
    return value.attributes.get(name, default) if isinstance(value, PickleObject) else default


def _pair(value: Any) -> XY[int]:
    """Read an index, a point or an extent."""
    args = value.args if isinstance(value, PickleObject) else value
    if not isinstance(args, tuple) or len(args) != 2:
        raise CorruptArchiveError(
            "the pickle has a value that is not a pair of numbers where one is expected"
        )
    return XY(to_integer(args[0]), to_integer(args[1]))


def _box(value: Any) -> Box:
    if not isinstance(value, PickleObject) or len(value.args) < 2:
        raise CorruptArchiveError("the pickle has a value that is not a box where one is expected")
    first, second = _pair(value.args[0]), _pair(value.args[1])
    # The second argument is the last pixel, or the size.
    if isinstance(value.args[1], PickleObject) and value.args[1].class_name.startswith("Extent"):
        second = XY(first.x + second.x - 1, first.y + second.y - 1)
    if second.x < first.x or second.y < first.y:
        raise CorruptArchiveError(f"the pickle has an empty box, from {first} to {second}")
    return Box(y=Interval(first.y, second.y + 1), x=Interval(first.x, second.x + 1))


def _read_image(value: Any) -> np.ndarray:
    if not (isinstance(value, PickleObject) and value.is_of("lsst", "unreduceFromFits", "reduceToFits")):
        raise CorruptArchiveError("the image of a cell is stored in a form that is not supported")
    # The arguments are the class of the image, the file, and its size.
    data = to_bytes(value.args[1] if len(value.args) > 1 else None)
    with FitsFile.open(BytesSource(data, "<image in a pickle>")) as file:
        hdu = next((hdu for hdu in file if hdu.kind in ("image", "compressed_image") and hdu.shape), None)
        if hdu is None or len(hdu.shape) != 2 or max(hdu.shape) > MAX_SIDE:
            raise CorruptArchiveError("the FITS file of a cell does not have a two-dimensional image")
        return np.asarray(hdu.read_image(), dtype=np.float64)
