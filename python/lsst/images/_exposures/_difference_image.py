# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Visit images from which a template was subtracted."""

from __future__ import annotations

__all__ = ("DifferenceImage", "DifferenceImageComponents")

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Unpack

from .._components import SettableComponent
from .._pixels import Image, Mask, MaskSchema
from .._transforms import DetectorFrame, Projection
from ..convolution_kernels import ConvolutionKernel
from ..serialization import MetadataValue
from ..serialization._deferred import Deferred, available
from ._template_info import DifferenceImageTemplateInfo
from ._visit_image import VisitImage, VisitImageComponents

if TYPE_CHECKING:
    from astro_metadata_translator import ObservationInfo


class DifferenceImageComponents(VisitImageComponents, total=False):
    """Types of the components that the constructor of `DifferenceImage` takes."""

    kernel: ConvolutionKernel | Deferred | None
    templates: Iterable[DifferenceImageTemplateInfo | Deferred] | Deferred | None


class DifferenceImage(VisitImage):
    """A visit image minus a template.

    Parameters
    ----------
    image
        The difference.
    **keywords
        As for `VisitImage`; components are described as attributes of this
        class.
    """

    kernel = SettableComponent[ConvolutionKernel](
        "Kernel that matched the PSF of the template to that of the visit image "
        "(`~lsst.images.convolution_kernels.ConvolutionKernel`).  `AttributeError` is raised if the image "
        "has no kernel; it can be deleted.",
        storage_class="ConvolutionKernel",
        missing="This difference image has no kernel.",
        report_section=True,
    )
    templates = SettableComponent[list[DifferenceImageTemplateInfo]](
        "Coadds that the template was made of (`list`).  `AttributeError` is raised if the image has no "
        "templates; they can be deleted.",
        storage_class="StructuredDataList",
        missing="This difference image has no templates.",
        # Views share the list.
        prepare=lambda _, templates: _as_list(templates),
        access=lambda templates: _all_available(templates),
        copied="always",
        report_row=lambda templates: f"{len(templates)} coadd patches",
    )

    if TYPE_CHECKING:

        def __init__(
            self,
            image: Image,
            *,
            mask: Mask | None = None,
            variance: Image | None = None,
            mask_schema: MaskSchema | None = None,
            projection: Projection[DetectorFrame] | Deferred | None = None,
            obs_info: ObservationInfo | Deferred | None = None,
            metadata: dict[str, MetadataValue] | None = None,
            allow_missing: bool = False,
            **components: Unpack[DifferenceImageComponents],
        ) -> None: ...


def _as_list(templates: Any) -> Any:
    return templates if templates is None or isinstance(templates, list) else list(templates)


def _all_available(templates: list[Any]) -> list[DifferenceImageTemplateInfo]:
    """Return a list, or raise the error of an item that cannot be read."""
    for template in templates:
        available(template)
    return templates
