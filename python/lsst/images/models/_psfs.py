# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Serialization models of Gaussian and PSFEx PSFs."""

from __future__ import annotations

__all__ = ("GaussianPSFSerializationModel", "PSFExSerializationModel", "PSFSerializationModel")

from typing import Any, Self, TypeAlias

import numpy as np
import pydantic

from .._geom import XY, BoundsSerializationModel, serialize_bounds
from ..psfs import GaussianPointSpreadFunction, PointSpreadFunction, PSFExPointSpreadFunction
from ..serialization import (
    ArchiveTree,
    ArrayModel,
    InlineArray,
    InputArchive,
    OutputArchive,
    Polymorphic,
    split_quantity,
)
from ..serialization._fields import Series
from ._corruption import reading

PSFSerializationModel: TypeAlias = Polymorphic[PointSpreadFunction]
"""Annotation of a model field that holds a PSF of any kind."""


class GaussianPSFSerializationModel(ArchiveTree, schema="gaussian_psf", version="1.0.0"):
    """Serialization model of `~lsst.images.psfs.GaussianPointSpreadFunction`."""

    sigma: float
    stamp_size: int
    bounds: BoundsSerializationModel

    @classmethod
    def serialize(cls, obj: GaussianPointSpreadFunction, archive: OutputArchive) -> Self:
        return cls(sigma=obj.sigma, stamp_size=obj.stamp_size, bounds=serialize_bounds(obj.bounds))

    def deserialize(self, archive: InputArchive) -> GaussianPointSpreadFunction:
        with reading("Gaussian PSF"):
            return GaussianPointSpreadFunction(self.sigma, self.bounds.deserialize(), self.stamp_size)


def _is_default_group(group: list[int]) -> bool:
    return group == [0, 0]


class PSFExSerializationModel(ArchiveTree, schema="psfex_psf", version="1.0.0"):
    """Serialization model of `~lsst.images.psfs.PSFExPointSpreadFunction`."""

    ROOT_NAME = "psf"

    average_x: float
    average_y: float
    pixel_step: float
    group: Series[int] = pydantic.Field(default_factory=lambda: [0, 0], exclude_if=_is_default_group)
    degree: Series[int]
    basis: Series[float]
    coeff: Series[float]
    parameters: ArrayModel = pydantic.Field(union_mode="left_to_right")
    context: InlineArray
    bounds: BoundsSerializationModel

    @classmethod
    def serialize(cls, obj: PSFExPointSpreadFunction, archive: OutputArchive) -> Self:
        return cls(
            average_x=obj.average.x,
            average_y=obj.average.y,
            pixel_step=obj.pixel_step,
            group=list(obj.group),
            degree=list(obj.degree),
            basis=list(obj.basis),
            coeff=list(obj.coeff),
            parameters=split_quantity(archive.add_array(obj.parameters, name="parameters"))[0],
            context=np.array([obj.offsets, obj.scales], dtype=np.float64).T,
            bounds=serialize_bounds(obj.bounds),
        )

    def deserialize(self, archive: InputArchive) -> PSFExPointSpreadFunction:
        parameters = archive.get_array(self.parameters)
        with reading("PSFEx PSF"):
            offsets, scales = self._split_context()
            return PSFExPointSpreadFunction(
                parameters,
                self.bounds.deserialize(),
                pixel_step=self.pixel_step,
                degree=self.degree,
                offsets=offsets,
                scales=scales,
                average=XY(self.average_x, self.average_y),
                group=self.group,
                basis=self.basis,
                coeff=self.coeff,
            )

    def _split_context(self) -> tuple[Any, Any]:
        """Return offsets and scales of the variables.

        The order of the axes of a 2x2 array is not specified by the schema.
        The offset is the middle of the range of y, and the scale is that
        range, so the offset is the value closer to the mean y of the stars.
        """
        context = self.context.reshape(0, 2) if not self.context.size else self.context
        if context.ndim != 2 or 2 not in context.shape:
            raise ValueError(
                f"Invalid shape {context.shape} of the context of a PSFEx model; expected (variables, 2)."
            )
        if context.shape == (2, 2):
            by_variable, by_kind = abs(context[1, 0] - self.average_y), abs(context[0, 1] - self.average_y)
            context = context if by_variable <= by_kind else context.T
        elif context.shape[1] != 2:
            context = context.T
        return context[:, 0].tolist(), context[:, 1].tolist()
