# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Convert objects by their target type."""

from __future__ import annotations

__all__ = ("convert_image", "convert_to")

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from astropy.io.fits import HDUList
from astropy.nddata import CCDData, NDData, NDDataRef

from .._pixels import GeneralizedImage, Image, MaskedImage
from ..plugins import registry
from ._from_nddata import from_ccddata
from ._hdulist import to_hdulist
from ._nddata import to_ccddata, to_nddata

T = TypeVar("T")

_FROM_IMAGE: dict[type, Callable[..., object]] = {
    CCDData: to_ccddata,
    NDDataRef: to_nddata,
}
"""Functions that convert an `Image` or `MaskedImage`, by target type."""


def convert_to(obj: object, target: type[T], **options: Any) -> T:
    """Convert an object to a type of another package, or back.

    Parameters
    ----------
    obj
        The object: an `~lsst.images.Image` or an `astropy.nddata.CCDData`, for
        example.
    target
        Type to convert to.  Built in are `astropy.nddata.CCDData`,
        `astropy.nddata.NDDataRef` and `astropy.io.fits.HDUList` for images,
        and images for any `astropy.nddata.NDData`; plugins add others by the
        hook ``convert_to``.
    **options
        Options of the conversion; see `to_ccddata`, `to_nddata`, `to_hdulist`
        and `from_ccddata`.

    Returns
    -------
    converted
        The result of the conversion.

    Raises
    ------
    UnsupportedConversionError
        If neither this package nor a plugin implements the conversion.
    """
    return registry.convert_to(obj, target, **options)


def convert_image(obj: object, target: type, options: Mapping[str, Any]) -> object | None:
    """Convert an image to a type of astropy, or back.

    Parameters
    ----------
    obj
        An image of this package, or an `astropy.nddata.NDData`.
    target
        Type to convert to.
    options
        Keyword arguments of the function that converts.

    Returns
    -------
    converted
        `None` without a built-in conversion between these types.
    """
    converted: object | None = None
    if isinstance(obj, NDData):
        if issubclass(target, GeneralizedImage):
            converted = from_ccddata(obj, target, **options)
    elif isinstance(obj, Image | MaskedImage) and target in _FROM_IMAGE:
        converted = _FROM_IMAGE[target](obj, **options)
    elif isinstance(obj, GeneralizedImage) and target is HDUList:
        converted = to_hdulist(obj, **options)
    return converted
