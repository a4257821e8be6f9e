# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Serialization model of PSFs of cells."""

from __future__ import annotations

__all__ = ("CellPointSpreadFunctionSerializationModel",)

from types import EllipsisType
from typing import Self

import pydantic
from pydantic.json_schema import SkipJsonSchema

from .._geom import Box, CellGridBounds
from ..cells import CellPointSpreadFunction
from ..cells._cell_numbers import slices_of
from ..errors import CorruptArchiveError
from ..serialization import ArchiveTree, ArrayModel, InputArchive, OutputArchive, split_quantity
from ._corruption import reading

DEFAULT_KERNEL = "lanczos5"


def _is_default(kernel: str) -> bool:
    return kernel == DEFAULT_KERNEL


class CellPointSpreadFunctionSerializationModel(ArchiveTree, schema="cell_psf", version="1.0.0"):
    """Serialization model of `~lsst.images.cells.CellPointSpreadFunction`."""

    ROOT_NAME = "psf"

    array: ArrayModel = pydantic.Field(
        union_mode="left_to_right", description="PSF images, of shape (ny, nx) of cells and (h, w) of images."
    )
    bounds: CellGridBounds = pydantic.Field(description="The cells; images of missing cells are NaN.")
    # Not in the published schema; other readers ignore it.
    resampling_kernel: SkipJsonSchema[str] = pydantic.Field(default=DEFAULT_KERNEL, exclude_if=_is_default)

    @classmethod
    def serialize(cls, obj: CellPointSpreadFunction, archive: OutputArchive) -> Self:
        return cls(
            array=split_quantity(archive.add_array(obj.array))[0],
            bounds=obj.bounds,
            resampling_kernel=obj.resampling_kernel,
        )

    def deserialize(self, archive: InputArchive, *, bbox: Box | None = None) -> CellPointSpreadFunction:
        if len(self.array.shape) != 4:
            raise CorruptArchiveError(
                f"The array of a PSF of cells must have 4 dimensions; its shape is {self.array.shape}."
            )
        bounds = self.bounds if bbox is None else self.bounds[bbox]
        slices: tuple[slice, ...] | EllipsisType = ...
        if bounds.bbox != self.bounds.bbox:
            slices = (*slices_of(bounds, self.bounds), slice(None), slice(None))
        array = archive.get_array(self.array, slices=slices)
        with reading("cell PSF"):
            return CellPointSpreadFunction(array, bounds, self.resampling_kernel)
