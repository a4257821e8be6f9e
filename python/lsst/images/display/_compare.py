# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Draw two images side by side."""

from __future__ import annotations

__all__ = ("compare",)

from typing import Any

from .._pixels import ColorImage, GeneralizedImage, Image, Mask, MaskedImage
from ..errors import UnsupportedConversionError
from ..utils import short_repr
from ._convert import convert_to_axes
from ._matplotlib import Axes, new_figure


def compare(
    a: GeneralizedImage,
    b: GeneralizedImage,
    *,
    titles: tuple[str, str] | None = None,
    same_limits: bool = True,
    **options: Any,
) -> tuple[Axes, Axes]:
    """Draw two images side by side, with the same pixels at the same place.

    Parameters
    ----------
    a, b
        Images, masks, masked images or color images.
    titles
        Titles of the axes; by default, the names of the types.
    same_limits
        Whether the limits of the pixel values of the second image are those of
        the first one.
    **options
        Options of the methods ``plot``, for both images.

    Returns
    -------
    axes
        The axes of the images.  Zooming and panning changes both.

    Raises
    ------
    UnsupportedConversionError
        If one of the objects cannot be drawn.
    """
    for image in (a, b):
        if not isinstance(image, Image | Mask | MaskedImage | ColorImage):
            raise UnsupportedConversionError(
                f"Cannot draw a {type(image).__name__}: {short_repr(image)}; expected an Image, Mask, "
                "MaskedImage or ColorImage."
            )
    left, right = new_figure(figsize=(10, 5)).subplots(1, 2, sharex=True, sharey=True)
    names = (type(a).__name__, type(b).__name__) if titles is None else titles
    convert_to_axes(a, {"ax": left, "title": names[0], **options})
    if same_limits and isinstance(a, Image | MaskedImage) and isinstance(b, Image | MaskedImage):
        norm = left.images[0].norm
        options = {**options, "vmin": norm.vmin, "vmax": norm.vmax}
    convert_to_axes(b, {"ax": right, "title": names[1], **options})
    box = [image.bbox for image in (a, b)]
    left.set_xlim(min(i.x.min for i in box) - 0.5, max(i.x.max for i in box) + 0.5)
    left.set_ylim(min(i.y.min for i in box) - 0.5, max(i.y.max for i in box) + 0.5)
    return left, right
