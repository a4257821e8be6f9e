# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Visit images from which a template was subtracted."""

from __future__ import annotations

__all__ = ("DifferenceImage",)

from collections.abc import Iterable
from typing import Any

from .._pixels import Image
from ..convolution_kernels import ConvolutionKernel
from ..serialization._deferred import Deferred, available, is_deferred
from ._template_info import DifferenceImageTemplateInfo
from ._visit_image import VisitImage


class DifferenceImage(VisitImage):
    """A visit image minus a template.

    Parameters
    ----------
    image
        The difference.
    kernel
        Kernel that gave the template the PSF of the visit image.
    templates
        Coadds that the template was made of.
    **keywords
        As for `VisitImage`.
    """

    def __init__(
        self,
        image: Image,
        *,
        kernel: ConvolutionKernel | Deferred | None = None,
        templates: Iterable[DifferenceImageTemplateInfo | Deferred] | Deferred | None = None,
        **keywords: Any,
    ) -> None:
        super().__init__(image, **keywords)
        self._kernel = kernel
        # A list that is given is kept, so that views share it.
        self._templates: list[Any] | Deferred | None = (
            templates
            if templates is None or is_deferred(templates) or isinstance(templates, list)
            else list(templates)
        )

    @property
    def kernel(self) -> ConvolutionKernel:
        """Kernel that gave the template the PSF of the visit image
        (`~lsst.images.convolution_kernels.ConvolutionKernel`).

        `AttributeError` is raised when it is not known; it can be deleted.
        """
        kernel = available(self._kernel)
        if kernel is None:
            raise AttributeError("This difference image has no kernel.")
        return kernel

    @kernel.setter
    def kernel(self, value: ConvolutionKernel) -> None:
        self._kernel = value

    @kernel.deleter
    def kernel(self) -> None:
        self._kernel = None

    @property
    def templates(self) -> list[DifferenceImageTemplateInfo]:
        """Coadds that the template was made of (`list`).

        `AttributeError` is raised when they are not known; they can be
        deleted.
        """
        templates = available(self._templates)
        if templates is None:
            raise AttributeError("This difference image does not know its templates.")
        for template in templates:
            available(template)
        return templates

    @templates.setter
    def templates(self, value: Iterable[DifferenceImageTemplateInfo]) -> None:
        self._templates = list(value)

    @templates.deleter
    def templates(self) -> None:
        self._templates = None

    def _parts(self) -> dict[str, Any]:
        return {**super()._parts(), "kernel": self._kernel, "templates": self._templates}

    def _copied_parts(self, *, copy_detector: bool) -> dict[str, Any]:
        parts = super()._copied_parts(copy_detector=copy_detector)
        if isinstance(self._templates, list):
            parts["templates"] = list(self._templates)
        return parts
