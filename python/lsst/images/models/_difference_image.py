# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""How difference images are packed and unpacked."""

from __future__ import annotations

__all__ = ("DifferenceImageSerializationModel",)

from typing import Any, Self

import pydantic

from .._exposures import DifferenceImage, DifferenceImageTemplateInfo
from .._geom import Box
from ..convolution_kernels import ConvolutionKernel
from ..serialization import InputArchive, OutputArchive, Polymorphic, component
from ..serialization._deferred import available
from ..serialization._fields import Series
from ._deferrable import Deferrable, deserialize_branch, serialize_branch
from ._visit_image import VisitImageSerializationModel


class DifferenceImageSerializationModel(
    VisitImageSerializationModel, schema="difference_image", version="1.2.0"
):
    """The tree of a `~lsst.images.DifferenceImage`."""

    # Files before July 2026 have neither.
    kernel: Polymorphic[ConvolutionKernel] | None = pydantic.Field(
        default=None, description="Kernel that gave the template the PSF of the visit image."
    )
    templates: Deferrable[Series[Deferrable[DifferenceImageTemplateInfo]]] = pydantic.Field(
        default=None, description="Coadds that the template was made of."
    )

    @classmethod
    def serialize(  # type: ignore[override]  # a tree of another type
        cls, obj: DifferenceImage, archive: OutputArchive
    ) -> Self:
        """Write a difference image.

        Parameters
        ----------
        obj
            The difference image.
        archive
            Archive to write to.

        Returns
        -------
        tree
            The tree.

        Raises
        ------
        UnserializableTypeError
            If a part could not be read and cannot be put back.
        """
        parts = obj._parts()
        templates = parts["templates"]
        return cls(
            **cls.serialize_parts(obj, archive),
            kernel=serialize_branch("kernel", parts["kernel"], archive),
            templates=list(templates) if isinstance(templates, list) else templates,
        )

    def deserialize(self, archive: InputArchive, *, bbox: Box | None = None) -> Any:
        """Read the difference image.

        Parameters
        ----------
        archive
            Archive to read from.
        bbox
            Pixels to read instead of all, in absolute coordinates.

        Returns
        -------
        difference_image
            The difference image.  Parts that cannot be read raise when used.
        """
        return self._make(
            DifferenceImage,
            archive,
            bbox,
            kernel=deserialize_branch(self.kernel, archive),
            templates=self.templates,
        )

    @component("templates", needs=("templates",))
    def _templates(self, archive: InputArchive) -> list[DifferenceImageTemplateInfo] | None:
        templates = available(self.templates)
        if templates is None:
            return None
        return [template for template in map(available, templates) if template is not None]
