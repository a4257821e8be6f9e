# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Images that are written as they are."""

from __future__ import annotations

__all__ = ("STORED", "encode_image", "encode_primary", "stored_array")

from typing import Any

import numpy as np

from ..errors import ArchiveWriteError
from ._card_writer import CardLike
from ._encoded_hdu import EncodedHdu

_Array = np.ndarray[Any, np.dtype[Any]]

STORED: dict[str, tuple[int, int]] = {
    "u1": (8, 0),
    "i1": (8, -(2**7)),
    "i2": (16, 0),
    "u2": (16, 2**15),
    "i4": (32, 0),
    "u4": (32, 2**31),
    "i8": (64, 0),
    "u8": (64, 2**63),
    "f4": (-32, 0),
    "f8": (-64, 0),
}
"""``BITPIX`` and ``BZERO`` of each type of pixels (FITS Standard 4.0, table 11)."""


def stored_array(array: _Array, stored: np.dtype[Any]) -> _Array:
    """Return pixels as the native numbers that stand in the file.

    Parameters
    ----------
    array
        Pixels of any type in `STORED`.
    stored
        Native type of the numbers.

    Returns
    -------
    `numpy.ndarray`
        Numbers in C order; unsigned integers have their sign bit inverted.
    """
    native = np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("="))
    if native.dtype == stored:
        return native
    unsigned = native.view(f"u{native.dtype.itemsize}")
    sign = unsigned.dtype.type(1 << (8 * native.dtype.itemsize - 1))
    flipped: _Array = np.bitwise_xor(unsigned, sign).view(stored)
    return flipped


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
        If FITS has no such type of pixels.
    """
    name = array.dtype.newbyteorder("=").str[1:]
    if name not in STORED:
        raise ArchiveWriteError(f"Pixels of type {array.dtype} cannot stand in a FITS image.")
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
