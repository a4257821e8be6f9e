# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""The models of the image-like types."""

from __future__ import annotations

__all__ = (
    "ColorImageSerializationModel",
    "ImageSerializationModel",
    "MaskSerializationModel",
    "MaskedImageSerializationModel",
)

from ._color_image import ColorImageSerializationModel
from ._image import ImageSerializationModel
from ._mask import MaskSerializationModel
from ._masked_image import MaskedImageSerializationModel
