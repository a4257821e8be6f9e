# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Serialization model of difference images."""

from __future__ import annotations

__all__ = ("DifferenceImageSerializationModel",)

from typing import ClassVar

import pydantic

from .._components import AnnotatedImage
from .._exposures import DifferenceImage, DifferenceImageTemplateInfo
from ..convolution_kernels import ConvolutionKernel
from ..serialization import InputArchive, Polymorphic, component
from ..serialization._deferred import available
from ..serialization._fields import Series
from ._deferrable import Deferrable
from ._visit_image import VisitImageSerializationModel


class DifferenceImageSerializationModel(
    VisitImageSerializationModel, schema="difference_image", version="1.2.0"
):
    """Serialization model of `~lsst.images.DifferenceImage`."""

    IMAGE_TYPE: ClassVar[type[AnnotatedImage]] = DifferenceImage

    # Files written before July 2026 have neither field.
    kernel: Polymorphic[ConvolutionKernel] | None = pydantic.Field(
        default=None, description="Kernel that gave the template the PSF of the visit image."
    )
    templates: Deferrable[Series[Deferrable[DifferenceImageTemplateInfo]]] = pydantic.Field(
        default=None, description="Coadds that the template was made of."
    )

    @component("templates", needs=("templates",))
    def _templates(self, archive: InputArchive) -> list[DifferenceImageTemplateInfo] | None:
        templates = available(self.templates)
        if templates is None:
            return None
        return [template for template in map(available, templates) if template is not None]
