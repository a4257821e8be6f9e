# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Images as astropy's NDData and CCDData."""

from __future__ import annotations

__all__ = ("BAD_PLANES", "to_ccddata", "to_nddata")

from collections.abc import Iterable
from typing import Any

import astropy.units as u
import numpy as np
from astropy.nddata import CCDData, NDDataRef, VarianceUncertainty

from .._pixels import Image, Mask, MaskedImage
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
    # As lsst.afw spells them, for masks that kept those names.
    "SAT",
    "CR",
    "UNMASKEDNAN",
)
"""Planes that make a pixel one that astropy should ignore, as far as a mask has
them.  Not among them are planes that tell a source (``DETECTED``), a repair
(``INTERPOLATED``, ``CROSSTALK``), or a doubt (``DETECTION_EDGE``,
``PARTLY_VIGNETTED``)."""


def to_nddata(
    obj: Image | MaskedImage, *, mask_planes: Iterable[str] | None = None, psf: bool = False
) -> NDDataRef:
    """Convert an image to astropy's general container.

    Parameters
    ----------
    obj
        The image.
    mask_planes
        Names of planes that the boolean mask combines; by default, those of
        `BAD_PLANES` that the mask has.
    psf
        Whether to evaluate the PSF in the middle of the image.

    Returns
    -------
    nddata
        Shares the pixels of the image and the variance.  The WCS is exact
        (APE 14).  ``meta`` has the metadata, and under `META_KEY` a `Kept`
        with everything else, all mask planes included.

    Raises
    ------
    KeyError
        If the mask has no such plane.
    TypeError
        If it is no image, or ``psf`` is wanted of one that has none.
    ValueError
        If the metadata has the key `META_KEY` already.

    Notes
    -----
    Arrays of astropy know no absolute coordinates: the first pixel is (0, 0).
    """
    image = _image_of(obj)
    return _convert(obj, NDDataRef, image.astropy_wcs, image.unit, mask_planes, psf)


def to_ccddata(
    obj: Image | MaskedImage, *, mask_planes: Iterable[str] | None = None, psf: bool = False
) -> CCDData:
    """Convert an image to astropy's container for images of a CCD.

    Parameters
    ----------
    obj
        The image.
    mask_planes
        Names of planes that the boolean mask combines; by default, those of
        `BAD_PLANES` that the mask has.
    psf
        Whether to evaluate the PSF in the middle of the image.

    Returns
    -------
    ccddata
        Shares the pixels of the image and the variance.  ``meta`` has the
        metadata, and under `META_KEY` a `Kept` with everything else, all mask
        planes and the exact projection included.  `from_ccddata` is the way
        back.

    Raises
    ------
    KeyError
        If the mask has no such plane.
    TypeError
        If it is no image, or ``psf`` is wanted of one that has none.
    ValueError
        If the metadata has the key `META_KEY` already.

    Notes
    -----
    CCDData takes no WCS but FITS', and no data without a unit.  A projection
    that FITS cannot express is approximated, with a warning if that is off by
    more than 0.01 arcsec; pixels without a unit become dimensionless.
    """
    image = _image_of(obj)
    unit = u.dimensionless_unscaled if image.unit is None else image.unit
    return _convert(obj, CCDData, make_fits_wcs(image.projection, image.bbox), unit, mask_planes, psf)


def _image_of(obj: Any) -> Image:
    # An unreadable projection raises when asked of the whole, not of its plane.
    image = obj.image if isinstance(obj, MaskedImage) else obj
    if not isinstance(image, Image):
        raise TypeError(f"Only an Image or a MaskedImage converts to NDData, not {type(obj).__name__}.")
    return image


def _convert(
    obj: Image | MaskedImage,
    cls: type,
    wcs: Any,
    unit: u.UnitBase | None,
    mask_planes: Iterable[str] | None,
    psf: bool,
) -> Any:
    if META_KEY in obj.metadata:
        raise ValueError(f"The metadata has a key {META_KEY!r}, which is needed here; rename it.")
    mask, uncertainty = None, None
    names: tuple[str, ...] = ()
    if isinstance(obj, MaskedImage):
        names = _choose(obj.mask, mask_planes)
        mask = np.any(obj.mask.array & obj.mask.schema.bitmask(*names), axis=2)
        squared = None if unit is None else unit**2
        uncertainty = VarianceUncertainty(obj.variance.array, unit=squared, copy=False)
    elif mask_planes is not None:
        raise TypeError(f"An {type(obj).__name__} has no mask, so mask_planes={mask_planes!r} says nothing.")
    return cls(
        _image_of(obj).array,
        uncertainty=uncertainty,
        mask=mask,
        wcs=wcs,
        unit=unit,
        meta={**obj.metadata, META_KEY: Kept.of(obj, names, wcs)},
        psf=_psf_image(obj) if psf else None,
    )


def _choose(mask: Mask, mask_planes: Iterable[str] | None) -> tuple[str, ...]:
    if mask_planes is None:
        return tuple(name for name in BAD_PLANES if name in mask.schema)
    names = (mask_planes,) if isinstance(mask_planes, str) else tuple(mask_planes)
    mask.schema.bitmask(*names)  # refuses unknown ones
    return names


def _psf_image(obj: Any) -> np.ndarray:
    if (psf := getattr(obj, "psf", None)) is None:
        raise TypeError(f"This {type(obj).__name__} has no PSF; leave psf=True out.")
    box = obj.bbox
    x, y = 0.5 * (box.x.min + box.x.max), 0.5 * (box.y.min + box.y.max)
    return np.asarray(psf.compute_kernel_image(x=x, y=y).array)
