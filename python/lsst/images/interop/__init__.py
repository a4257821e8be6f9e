# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Images in the types of other packages: astropy, viewers, dask.

Importing this package makes ``CCDData.read(path, format="lsst.images")`` work;
``import lsst.images`` alone does not.
"""

from __future__ import annotations

__all__ = (
    "BAD_PLANES",
    "FORMAT",
    "MASKED",
    "META_KEY",
    "Kept",
    "from_ccddata",
    "register_astropy_io",
    "to_ccddata",
    "to_hdulist",
    "to_nddata",
    "token",
)

from ._astropy_io import FORMAT, register_astropy_io
from ._from_nddata import MASKED, from_ccddata
from ._hdulist import to_hdulist
from ._kept import META_KEY, Kept
from ._nddata import BAD_PLANES, to_ccddata, to_nddata
from ._tokens import token

register_astropy_io()
