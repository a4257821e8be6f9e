# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Image-like types: pixels with a place on a grid."""

from __future__ import annotations

__all__ = (
    "AbsoluteSliceProxy",
    "ColorImage",
    "GeneralizedImage",
    "Image",
    "LocalSliceProxy",
    "Mask",
    "MaskPlane",
    "MaskPlaneBit",
    "MaskSchema",
    "MaskedImage",
    "get_legacy_deep_coadd_mask_planes",
    "get_legacy_difference_image_mask_planes",
    "get_legacy_non_cell_coadd_mask_planes",
    "get_legacy_optional_mask_planes",
    "get_legacy_template_mask_planes",
    "get_legacy_visit_image_mask_planes",
    "guess_legacy_mask_planes",
)

from ._base import GeneralizedImage
from ._color_image import ColorImage
from ._image import Image
from ._legacy_planes import (
    get_legacy_deep_coadd_mask_planes,
    get_legacy_difference_image_mask_planes,
    get_legacy_non_cell_coadd_mask_planes,
    get_legacy_optional_mask_planes,
    get_legacy_template_mask_planes,
    get_legacy_visit_image_mask_planes,
    guess_legacy_mask_planes,
)
from ._mask import Mask
from ._mask_schema import MaskPlane, MaskPlaneBit, MaskSchema
from ._masked_image import MaskedImage
from ._slices import AbsoluteSliceProxy, LocalSliceProxy
