# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Conversion of images to and from types of astropy, and tokens for dask.

Importing this package registers the format ``lsst.images`` with astropy, as in
``CCDData.read(path, format="lsst.images")``; ``import lsst.images`` does not.
"""

from __future__ import annotations

__all__ = (
    "BAD_PLANES",
    "FORMAT",
    "MASKED",
    "META_KEY",
    "Kept",
    "convert_image",
    "convert_to",
    "from_ccddata",
    "register_astropy_io",
    "to_ccddata",
    "to_hdulist",
    "to_nddata",
    "token",
)

from .._content_token import token
from ._astropy_io import FORMAT, register_astropy_io
from ._convert import convert_image, convert_to
from ._from_nddata import MASKED, from_ccddata
from ._hdulist import to_hdulist
from ._kept import META_KEY, Kept
from ._nddata import BAD_PLANES, to_ccddata, to_nddata

register_astropy_io()
