# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Serialization models of PSFs made of images or of other PSFs.

The schemas are private to this package and may still change; other readers
keep such a PSF, but cannot evaluate it.
"""

from __future__ import annotations

__all__ = (
    "CoaddPSFSerializationModel",
    "KernelPSFSerializationModel",
    "WarpedPSFSerializationModel",
)

from typing import ClassVar, Self

import pydantic

from .._geom import XY, BoundsSerializationModel, serialize_bounds
from ..psfs import (
    CoaddPointSpreadFunction,
    CoaddPsfInput,
    KernelPointSpreadFunction,
    WarpedPointSpreadFunction,
)
from ..serialization import (
    ArchiveTree,
    ArrayModel,
    InputArchive,
    OutputArchive,
    omit_if_none,
    split_quantity,
)
from ..serialization._fields import Series
from ._coadd_input import CoaddInputModel
from ._corruption import reading
from ._fields import FieldSerializationModel
from ._psfs import PSFSerializationModel
from ._transforms import ProjectionSerializationModel, TransformSerializationModel


class KernelPSFSerializationModel(ArchiveTree, schema="kernel_psf", version="1.0.0.dev0"):
    """Serialization model of `~lsst.images.psfs.KernelPointSpreadFunction`."""

    ROOT_NAME = "psf"

    basis: ArrayModel = pydantic.Field(union_mode="left_to_right")
    weights: list[FieldSerializationModel] | None = None
    center_y: int
    center_x: int
    average: tuple[float, float] | None = omit_if_none()
    bounds: BoundsSerializationModel

    @classmethod
    def serialize(cls, obj: KernelPointSpreadFunction, archive: OutputArchive) -> Self:
        fields = obj.spatial
        return cls(
            basis=split_quantity(archive.add_array(obj.basis, name="basis"))[0],
            weights=None if fields is None else [archive.serialize_child("weights", f) for f in fields],
            center_y=obj.center.y,
            center_x=obj.center.x,
            average=None if obj.average is None else (obj.average.x, obj.average.y),
            bounds=serialize_bounds(obj.bounds),
        )

    def deserialize(self, archive: InputArchive) -> KernelPointSpreadFunction:
        basis = archive.get_array(self.basis)
        fields = None if self.weights is None else [field.deserialize(archive) for field in self.weights]
        with reading("kernel PSF"):
            return KernelPointSpreadFunction(
                basis,
                fields,
                self.bounds.deserialize(),
                center_y=self.center_y,
                center_x=self.center_x,
                average=None if self.average is None else XY(*self.average),
            )


class WarpedPSFSerializationModel(ArchiveTree, schema="warped_psf", version="1.0.0.dev0"):
    """Serialization model of `~lsst.images.psfs.WarpedPointSpreadFunction`."""

    ROOT_NAME = "psf"

    psf: PSFSerializationModel
    to_source: TransformSerializationModel
    warping_kernel: str
    bounds: BoundsSerializationModel

    @classmethod
    def serialize(cls, obj: WarpedPointSpreadFunction, archive: OutputArchive) -> Self:
        return cls(
            psf=archive.serialize_child("psf", obj.psf),
            to_source=archive.serialize_child("to_source", obj.to_source),
            warping_kernel=obj.warping_kernel.name,
            bounds=serialize_bounds(obj.bounds),
        )

    def deserialize(self, archive: InputArchive) -> WarpedPointSpreadFunction:
        psf, to_source = self.psf.deserialize(archive), self.to_source.deserialize(archive)
        with reading("warped PSF"):
            return WarpedPointSpreadFunction(
                psf, to_source, self.bounds.deserialize(), warping_kernel=self.warping_kernel
            )


class CoaddPSFInputModel(CoaddInputModel):
    """The PSF of one input image of a coadd."""

    input_type: ClassVar = CoaddPsfInput

    psf: PSFSerializationModel
    sky_projection: ProjectionSerializationModel
    bounds: BoundsSerializationModel
    weight: float


class CoaddPSFSerializationModel(ArchiveTree, schema="coadd_psf", version="1.0.0.dev0"):
    """Serialization model of `~lsst.images.psfs.CoaddPointSpreadFunction`."""

    ROOT_NAME = "psf"

    inputs: Series[CoaddPSFInputModel]
    sky_projection: ProjectionSerializationModel
    warping_kernel: str
    bounds: BoundsSerializationModel

    @classmethod
    def serialize(cls, obj: CoaddPointSpreadFunction, archive: OutputArchive) -> Self:
        return cls(
            inputs=CoaddPSFInputModel.serialize_all(obj.inputs, archive),
            sky_projection=archive.serialize_child("sky_projection", obj.projection),
            warping_kernel=obj.warping_kernel.name,
            bounds=serialize_bounds(obj.bounds),
        )

    def deserialize(self, archive: InputArchive) -> CoaddPointSpreadFunction:
        inputs = [item.deserialize(archive) for item in self.inputs]
        projection = self.sky_projection.deserialize(archive)
        with reading("coadd PSF"):
            return CoaddPointSpreadFunction(
                inputs, projection, self.bounds.deserialize(), warping_kernel=self.warping_kernel
            )
