# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""What an `~astropy.nddata.NDData` has no place for, kept in its ``meta``."""

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
    """The image that an `~astropy.nddata.NDData` was made of.

    It is a string that says so in a few words, since astropy writes strings
    of ``meta`` to FITS headers and refuses everything else; the attributes do
    not get there.

    Parameters
    ----------
    text
        The words.

    Attributes
    ----------
    source : `~lsst.images.Image` | `~lsst.images.MaskedImage`
        The image, sharing its pixels.  Its ``mask`` has all planes.
    mask_planes : `tuple` [`str`, ...]
        Planes that are in the boolean mask.
    has_wcs : `bool`
        Whether a WCS was handed out.
    wcs : `tuple` | `None`
        What `wcs_identity` says about it.
    """

    source: Image | MaskedImage
    mask_planes: tuple[str, ...]
    has_wcs: bool
    wcs: WcsIdentity | None

    @classmethod
    def of(cls, source: Image | MaskedImage, mask_planes: tuple[str, ...], wcs: Any) -> Self:
        """Make a note of an image.

        Parameters
        ----------
        source
            The image.
        mask_planes
            Planes that are in the boolean mask.
        wcs
            The WCS that is handed out.
        """
        self = cls(f"{type(source).__name__} {source.bbox}, mask of {' '.join(mask_planes) or 'nothing'}")
        # Not the object itself: its own projection or planes may be exchanged.
        self.source = source[...]
        self.mask_planes = mask_planes
        self.has_wcs = wcs is not None
        self.wcs = wcs_identity(wcs)
        return self


def wcs_identity(wcs: Any) -> WcsIdentity | None:
    """Return what two FITS WCS share if one is a slice of the other.

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
