# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Writing of uncompressed images and of the primary HDU."""

from __future__ import annotations

__all__ = ("encode_image", "encode_primary")

from typing import Any

import numpy as np

from ...errors import ArchiveWriteError
from .._headers._card_writer import CardLike
from .._headers._encoded_hdu import EncodedHdu
from .._headers._scaling import STORED, stored_array

_Array = np.ndarray[Any, np.dtype[Any]]


def encode_image(array: _Array) -> EncodedHdu:
    """Encode an image extension without compression.

    Parameters
    ----------
    array
        Pixels: integers, `float32` or `float64`.

    Returns
    -------
    `EncodedHdu`
        Cards and data.

    Raises
    ------
    ArchiveWriteError
        If FITS does not support the type of the pixels.
    """
    name = array.dtype.newbyteorder("=").str[1:]
    if name not in STORED:
        raise ArchiveWriteError(f"FITS images do not support pixels of type {array.dtype}.")
    bitpix, zero = STORED[name]
    kind = "f" if bitpix < 0 else "i" if bitpix > 8 else "u"
    stored = stored_array(array, np.dtype(f"{kind}{abs(bitpix) // 8}"))
    swapped = stored.astype(stored.dtype.newbyteorder(">"), copy=False)
    cards: list[CardLike] = [
        ("XTENSION", "IMAGE", "image extension"),
        ("BITPIX", bitpix, "array data type"),
        ("NAXIS", array.ndim, "number of array dimensions"),
    ]
    cards += [(f"NAXIS{i}", n) for i, n in enumerate(reversed(array.shape), start=1)]
    cards += [("PCOUNT", 0, "number of parameters"), ("GCOUNT", 1, "number of groups")]
    if zero:
        cards += [("BSCALE", 1), ("BZERO", zero, "offset of unsigned integers")]
    data = swapped.reshape(-1).view(np.uint8).data
    return EncodedHdu(cards, [data] if len(data) else [])


def encode_primary() -> EncodedHdu:
    """Encode a primary HDU without data."""
    return EncodedHdu(
        [
            ("SIMPLE", True, "conforms to FITS standard"),
            ("BITPIX", 8, "array data type"),
            ("NAXIS", 0, "number of array dimensions"),
            ("EXTEND", True, "there are extensions"),
        ]
    )
