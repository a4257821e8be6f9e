# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Make the celestial FITS WCS of a header."""

from __future__ import annotations

__all__ = ("check_sip_orders", "header_wcs")

import re
import warnings

import astropy.io.fits
import astropy.wcs

from ..errors import InvalidMappingError
from ..limits import MAX_SIP_ORDER
from ..utils import short_repr

_MIXED = re.compile(r"(?:CD|PC)(?:[12]_[3-9]|[3-9]_[12])")
"""Elements of the matrix that relate axes 1 and 2 with others."""


def header_wcs(header: astropy.io.fits.Header) -> astropy.wcs.WCS:
    """Return the WCS of the two axes of an image.

    Parameters
    ----------
    header
        Header of the image; it is not changed.

    Returns
    -------
    wcs
        The WCS of the axes 1 and 2.  Further axes have a length of one, or
        none, in a plane of pixels, and are left out.

    Raises
    ------
    ValueError
        If the WCS is invalid, or if a further axis is mixed with the first two.
    """
    if mixed := [card for card in header if _MIXED.fullmatch(card) and header[card]]:
        raise ValueError(f"The cards {mixed} mix the axes of the image with further ones.")
    check_sip_orders(header)
    header = header.copy()
    for axis in (1, 2):
        # The linear term of the TPV convention is one by default; WCSLIB assumes zero.
        if str(header.get(f"CTYPE{axis}", "")).endswith("-TPV"):
            header.setdefault(f"PV{axis}_1", 1.0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", astropy.wcs.FITSFixedWarning)
        wcs = astropy.wcs.WCS(header, fix=True, naxis=2 if _has_more_axes(header) else None)
    if wcs.pixel_shape is not None:
        wcs.pixel_shape = wcs.pixel_shape[:2]
    return wcs


def check_sip_orders(header: astropy.io.fits.Header) -> None:
    """Check the orders of SIP polynomials; astropy allocates coefficients for any order.

    Parameters
    ----------
    header
        The header.

    Raises
    ------
    InvalidMappingError
        If an order is not an integer up to `MAX_SIP_ORDER`.
    """
    for keyword in ("A_ORDER", "B_ORDER", "AP_ORDER", "BP_ORDER"):
        if keyword in header:
            order = header[keyword]
            if isinstance(order, float) and order.is_integer():
                order = int(order)
            if type(order) is not int or not 0 <= order <= MAX_SIP_ORDER:
                raise InvalidMappingError(
                    f"{keyword} = {short_repr(order)} is invalid; it must be an integer from 0 to "
                    f"{MAX_SIP_ORDER}."
                )


def _has_more_axes(header: astropy.io.fits.Header) -> bool:
    """Return whether the WCS of a header has more than two axes."""
    count = header.get("WCSAXES", header.get("NAXIS", 2))
    return (isinstance(count, int) and count > 2) or "CTYPE3" in header or "CRVAL3" in header
