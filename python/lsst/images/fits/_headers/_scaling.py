# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Conversion between stored numbers and pixel values: ``BSCALE``, ``BZERO`` and ``BLANK``."""

from __future__ import annotations

__all__ = ("STORED", "UNSCALED", "Scaling", "read_scaling", "stored_array")

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...errors import CorruptArchiveError
from ...utils import short_repr
from ._cards import CardValue
from ._structure import PIXEL_TYPES

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
    """Return the native numbers that are stored for pixels.

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


@dataclass(frozen=True, slots=True)
class Scaling:
    """Conversion of stored numbers to pixels."""

    stored: np.dtype[Any]
    """Native type of the stored numbers."""

    dtype: np.dtype[Any]
    """Native type of the pixels."""

    flip: int | None = None
    """Bit to invert, for the convention for unsigned integers; `None` if pixels are stored directly."""

    scale: float = 1.0
    """``BSCALE``; 1 if ``flip`` is used."""

    zero: float = 0.0
    """``BZERO``; 0 if ``flip`` is used."""

    blank: int | None = None
    """``BLANK``: the integer that represents NaN in scaled pixels."""

    def finish(self, pixels: np.ndarray[Any, np.dtype[Any]]) -> None:
        """Invert the sign bit of stored integers in place, if they represent unsigned integers.

        Parameters
        ----------
        pixels
            Native stored numbers.
        """
        if self.flip is not None:
            unsigned = pixels.view(f"u{pixels.dtype.itemsize}")
            np.bitwise_xor(unsigned, unsigned.dtype.type(self.flip), out=unsigned)

    def apply(self, stored: np.ndarray[Any, np.dtype[Any]], out: np.ndarray[Any, np.dtype[Any]]) -> None:
        """Convert stored numbers to pixels in double precision, as CFITSIO does.

        Parameters
        ----------
        stored
            Native stored numbers.
        out
            Output array for the pixels.
        """
        work = np.multiply(stored, np.float64(self.scale), dtype=np.float64)
        np.add(work, self.zero, out=out, casting="same_kind")
        if self.blank is not None:
            out[stored == self.blank] = np.nan


UNSCALED = {bitpix: Scaling(np.dtype(name), np.dtype(name)) for bitpix, name in PIXEL_TYPES.items()}
"""Conversion for each ``BITPIX`` without ``BSCALE`` and ``BZERO``."""


def read_scaling(values: Mapping[str, CardValue], bitpix: int) -> Scaling:
    """Read ``BSCALE``, ``BZERO`` and ``BLANK``.

    Parameters
    ----------
    values
        Values of the header cards, from `scan`.
    bitpix
        ``BITPIX`` or ``ZBITPIX``.

    Returns
    -------
    `Scaling`
        The conversion.

    Notes
    -----
    ``BLANK`` is ignored for integers that are not scaled, which remain integers.
    Scaled integers of 8 or 16 bits are converted to `float32`, others to
    `float64`, as in astropy and CFITSIO.
    """
    if bitpix not in PIXEL_TYPES:
        raise CorruptArchiveError(
            f"BITPIX or ZBITPIX = {short_repr(bitpix)} is invalid; it must be one of {sorted(PIXEL_TYPES)}."
        )
    stored = np.dtype(PIXEL_TYPES[bitpix])
    scale, zero = values.get("BSCALE", 1.0), values.get("BZERO", 0.0)
    if not isinstance(scale, int | float) or not isinstance(zero, int | float):
        raise CorruptArchiveError(
            f"BSCALE = {short_repr(scale)} or BZERO = {short_repr(zero)} is invalid; both must be numbers."
        )
    if scale == 1.0 and zero == 0.0:
        return Scaling(stored, stored)
    if scale == 1.0 and bitpix == 8 and zero == -128.0:
        return Scaling(stored, np.dtype("i1"), flip=0x80)
    if scale == 1.0 and bitpix > 8 and zero == float(1 << (bitpix - 1)):
        return Scaling(stored, np.dtype(f"u{bitpix // 8}"), flip=1 << (bitpix - 1))
    if bitpix < 0:
        return Scaling(stored, stored, scale=float(scale), zero=float(zero))
    return Scaling(
        stored,
        np.dtype("f4" if bitpix <= 16 else "f8"),
        scale=float(scale),
        zero=float(zero),
        blank=_read_blank(values),
    )


def _read_blank(values: Mapping[str, CardValue]) -> int | None:
    # ZBLANK of a compressed image takes precedence, as in CFITSIO.
    blank = values.get("ZBLANK", values.get("BLANK"))
    if isinstance(blank, float) and blank.is_integer():
        return int(blank)
    return blank if type(blank) is int else None
