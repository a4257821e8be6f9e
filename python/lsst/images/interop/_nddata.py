# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Convert images to NDData and CCDData of astropy."""

from __future__ import annotations

__all__ = ("BAD_PLANES", "to_ccddata", "to_nddata")

from collections.abc import Iterable
from typing import Any

import astropy.units as u
import numpy as np
from astropy.nddata import CCDData, NDDataRef, VarianceUncertainty

from .._pixels import Image, Mask, MaskedImage
from ..errors import InvalidArgumentError
from ..utils import short_repr
from ._fits_wcs import make_fits_wcs
from ._kept import META_KEY, Kept

BAD_PLANES = (
    "BAD",
    "SATURATED",
    "NO_DATA",
    "COSMIC_RAY",
    "SUSPECT",
    "VIGNETTED",
    "UNMASKED_NAN",
    "ITL_DIP",
    "STREAK",
    "SAT_TEMPLATE",
    "MASKED",
    # Names of lsst.afw, for masks that use them.
    "SAT",
    "CR",
    "UNMASKEDNAN",
)
"""Mask planes of pixels that astropy should ignore.

Planes that mark sources (``DETECTED``), corrected pixels (``INTERPOLATED``,
``CROSSTALK``) or reduced quality (``DETECTION_EDGE``, ``PARTLY_VIGNETTED``) are
not included."""


def to_nddata(
    obj: Image | MaskedImage, *, mask_planes: Iterable[str] | None = None, psf: bool = False
) -> NDDataRef:
    """Convert an image to `~astropy.nddata.NDDataRef`.

    Parameters
    ----------
    obj
        The image.
    mask_planes
        Names of planes that the boolean mask combines; by default, those of
        `BAD_PLANES` that the mask has.
    psf
        Whether to evaluate the PSF at the center of the image.

    Returns
    -------
    nddata
        Shares the pixels of the image and the variance.  The WCS is exact
        (APE 14).  ``meta`` contains the metadata, and under `META_KEY` a
        `Kept` with the original image, including all mask planes.

    Raises
    ------
    KeyError
        If the mask does not have one of the planes.
    InvalidArgumentError
        If ``obj`` is not an image, if ``psf`` is true and it does not have a
        PSF, or if the metadata contain the key `META_KEY`.

    Notes
    -----
    The pixel coordinates of astropy start at (0, 0).
    """
    image = _image_of(obj)
    return _convert(obj, NDDataRef, image.astropy_wcs, image.unit, mask_planes, psf)


def to_ccddata(
    obj: Image | MaskedImage, *, mask_planes: Iterable[str] | None = None, psf: bool = False
) -> CCDData:
    """Convert an image to `~astropy.nddata.CCDData`.

    Parameters
    ----------
    obj
        The image.
    mask_planes
        Names of planes that the boolean mask combines; by default, those of
        `BAD_PLANES` that the mask has.
    psf
        Whether to evaluate the PSF at the center of the image.

    Returns
    -------
    ccddata
        Shares the pixels of the image and the variance.  ``meta`` contains
        the metadata, and under `META_KEY` a `Kept` with the original image,
        including all mask planes and the exact projection.  `from_ccddata`
        converts back.

    Raises
    ------
    KeyError
        If the mask does not have one of the planes.
    InvalidArgumentError
        If ``obj`` is not an image, if ``psf`` is true and it does not have a
        PSF, or if the metadata contain the key `META_KEY`.

    Notes
    -----
    CCDData requires a FITS WCS and a unit.  A projection without an exact FITS
    WCS is approximated, with a warning if the error is larger than 0.01 arcsec;
    pixels without a unit become dimensionless.
    """
    image = _image_of(obj)
    unit = u.dimensionless_unscaled if image.unit is None else image.unit
    return _convert(obj, CCDData, make_fits_wcs(image.projection, image.bbox), unit, mask_planes, psf)


def _image_of(obj: Any) -> Image:
    # The projection of a masked image raises its deferred error; that of a plane does not.
    image = obj.image if isinstance(obj, MaskedImage) else obj
    if not isinstance(image, Image):
        raise InvalidArgumentError(
            f"Only an Image or a MaskedImage can be converted to NDData; got a {type(obj).__name__}."
        )
    return image


def _convert(
    obj: Image | MaskedImage,
    cls: type,
    wcs: Any,
    unit: u.UnitBase | None,
    mask_planes: Iterable[str] | None,
    psf: bool,
) -> Any:
    if META_KEY in obj.metadata.native:
        raise InvalidArgumentError(
            f"The metadata contain the key {META_KEY!r}, which is reserved; rename it."
        )
    mask, uncertainty = None, None
    names: tuple[str, ...] = ()
    if isinstance(obj, MaskedImage):
        names = _choose(obj.mask, mask_planes)
        mask = np.any(obj.mask.array & obj.mask.schema.bitmask(*names), axis=2)
        squared = None if unit is None else unit**2
        uncertainty = VarianceUncertainty(obj.variance.array, unit=squared, copy=False)
    elif mask_planes is not None:
        raise InvalidArgumentError(
            f"mask_planes={short_repr(mask_planes)} requires a mask, but an {type(obj).__name__} does not "
            "have one."
        )
    return cls(
        _image_of(obj).array,
        uncertainty=uncertainty,
        mask=mask,
        wcs=wcs,
        unit=unit,
        meta={**obj.metadata.native, META_KEY: Kept.of(obj, names, wcs)},
        psf=_psf_image(obj) if psf else None,
    )


def _choose(mask: Mask, mask_planes: Iterable[str] | None) -> tuple[str, ...]:
    if mask_planes is None:
        return tuple(name for name in BAD_PLANES if name in mask.schema)
    names = (mask_planes,) if isinstance(mask_planes, str) else tuple(mask_planes)
    mask.schema.bitmask(*names)  # raises KeyError for unknown planes
    return names


def _psf_image(obj: Any) -> np.ndarray:
    if (psf := getattr(obj, "psf", None)) is None:
        raise InvalidArgumentError(
            f"psf=True requires a PSF, but this {type(obj).__name__} does not have one."
        )
    box = obj.bbox
    x, y = 0.5 * (box.x.min + box.x.max), 0.5 * (box.y.min + box.y.max)
    return np.asarray(psf.compute_kernel_image(x=x, y=y).array)
