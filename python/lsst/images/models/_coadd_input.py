# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Serialization models of the input images of a coadd."""

from __future__ import annotations

__all__ = ("CoaddInputModel",)

from collections.abc import Callable, Iterable
from typing import Any, ClassVar, Self

import pydantic

from .._geom import serialize_bounds
from ..fields._coadd_input import CoaddInput
from ..serialization import InputArchive, OutputArchive


class CoaddInputModel(pydantic.BaseModel):
    """Base class of models of one input image of a coadd.

    Notes
    -----
    Subclasses declare all fields, because they are stored in this order: the
    value (its PSF, for instance) under the name of the attribute of the
    `CoaddInput`, then ``sky_projection``, ``bounds`` and ``weight``.
    """

    input_type: ClassVar[Callable[..., CoaddInput]]
    """Type of the input, called with its value, projection, bounds and weight."""

    @classmethod
    def serialize(cls, obj: CoaddInput, archive: OutputArchive) -> Self:
        """Write an input image.

        Parameters
        ----------
        obj
            The input image.
        archive
            Archive to write to.
        """
        value, *_ = cls.model_fields
        parts = {
            value: archive.serialize_child(value, getattr(obj, value)),
            "sky_projection": archive.serialize_child("sky_projection", obj.projection),
            "bounds": serialize_bounds(obj.bounds),
            "weight": obj.weight,
        }
        return cls(**parts)

    @classmethod
    def serialize_all(cls, inputs: Iterable[CoaddInput], archive: OutputArchive) -> list[Self]:
        """Write all input images of a coadd.

        Parameters
        ----------
        inputs
            The input images.
        archive
            Archive of the coadd.
        """
        return [cls.serialize(item, archive.nested(f"inputs/{n}")) for n, item in enumerate(inputs)]

    def deserialize(self, archive: InputArchive) -> Any:
        """Read the input image.

        Parameters
        ----------
        archive
            Archive to read from.
        """
        value, sky_projection, bounds, weight = (getattr(self, name) for name in type(self).model_fields)
        return self.input_type(
            value.deserialize(archive), sky_projection.deserialize(archive), bounds.deserialize(), weight
        )
