# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""The original image of an `~astropy.nddata.NDData`, stored in its ``meta``."""

from __future__ import annotations

__all__ = ("META_KEY", "Kept", "wcs_identity")

import warnings
from typing import Any, Self

import astropy.wcs

from .._pixels import Image, MaskedImage

META_KEY = "LSSTIMG"
"""Key in ``meta``; short enough for a FITS header."""

WcsIdentity = tuple[str, tuple[float, ...]]


class Kept(str):
    """The image that an `~astropy.nddata.NDData` was made from.

    It is a string that describes the image, because astropy writes strings of
    ``meta`` to FITS headers and raises an error for other types.  The
    attributes are not written.

    Parameters
    ----------
    text
        Description of the image.

    Attributes
    ----------
    source : `~lsst.images.Image` | `~lsst.images.MaskedImage`
        The image, sharing its pixels.  Its ``mask`` has all planes.
    mask_planes : `tuple` [`str`, ...]
        Planes that are in the boolean mask.
    has_wcs : `bool`
        Whether the NDData was given a WCS.
    wcs : `tuple` | `None`
        Result of `wcs_identity` for this WCS.
    """

    source: Image | MaskedImage
    mask_planes: tuple[str, ...]
    has_wcs: bool
    wcs: WcsIdentity | None

    @classmethod
    def of(cls, source: Image | MaskedImage, mask_planes: tuple[str, ...], wcs: Any) -> Self:
        """Create from an image.

        Parameters
        ----------
        source
            The image.
        mask_planes
            Planes that are in the boolean mask.
        wcs
            WCS that the NDData is given.
        """
        self = cls(f"{type(source).__name__} {source.bbox}, mask of {' '.join(mask_planes) or 'nothing'}")
        # A view, because the projection or planes of the image may be replaced later.
        self.source = source[...]
        self.mask_planes = mask_planes
        self.has_wcs = wcs is not None
        self.wcs = wcs_identity(wcs)
        return self


def wcs_identity(wcs: Any) -> WcsIdentity | None:
    """Return the header cards of a FITS WCS that slicing does not change.

    Parameters
    ----------
    wcs
        A WCS of any kind.

    Returns
    -------
    cards, reference
        All cards but those of the reference pixel, and that pixel; `None`
        unless ``wcs`` is an `astropy.wcs.WCS`.
    """
    if not isinstance(wcs, astropy.wcs.WCS):
        return None
    reference = tuple(float(value) for value in wcs.wcs.crpix)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", astropy.wcs.FITSFixedWarning)
        header = wcs.to_header(relax=True)
    header.remove("CRPIX1", ignore_missing=True)
    header.remove("CRPIX2", ignore_missing=True)
    return repr([(card.keyword, card.value) for card in header.cards]), reference
