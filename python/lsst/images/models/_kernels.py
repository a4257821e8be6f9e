# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Serialization model of convolution kernels."""

from __future__ import annotations

__all__ = ("ImageBasisConvolutionKernelSerializationModel",)

from typing import Literal, Self

import pydantic

from ..convolution_kernels import ImageBasisConvolutionKernel
from ..serialization import ArchiveTree, ArrayModel, InputArchive, OutputArchive, split_quantity
from ..serialization._fields import Series
from ._corruption import reading
from ._fields import FieldSerializationModel


class ImageBasisConvolutionKernelSerializationModel(
    ArchiveTree, schema="image_basis_convolution_kernel", version="1.0.0"
):
    """Serialization model of `ImageBasisConvolutionKernel`."""

    ROOT_NAME = "kernel"

    basis: ArrayModel = pydantic.Field(union_mode="left_to_right")
    spatial: Series[FieldSerializationModel]
    center_y: int
    center_x: int
    kernel_type: Literal["IMAGE_BASIS"] = "IMAGE_BASIS"

    @classmethod
    def serialize(cls, obj: ImageBasisConvolutionKernel, archive: OutputArchive) -> Self:
        return cls(
            basis=split_quantity(archive.add_array(obj.basis, name="basis"))[0],
            spatial=[archive.serialize_child("spatial", field) for field in obj.spatial],
            center_y=obj.center.y,
            center_x=obj.center.x,
        )

    def deserialize(self, archive: InputArchive) -> ImageBasisConvolutionKernel:
        basis = archive.get_array(self.basis)
        fields = [field.deserialize(archive) for field in self.spatial]
        with reading("convolution kernel"):
            return ImageBasisConvolutionKernel(basis, fields, self.center_y, self.center_x)
