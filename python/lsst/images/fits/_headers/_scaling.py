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


@dataclass(frozen=True, slots=True)
class Scaling:
    """How stored numbers become pixels."""

    stored: np.dtype[Any]
    """Native type of the numbers in the file."""

    dtype: np.dtype[Any]
    """Native type of the pixels."""

    flip: int | None = None
    """Sign bit to be inverted: the convention for unsigned integers."""

    scale: float = 1.0
    """``BSCALE``; 1 if ``flip`` is used."""

    zero: float = 0.0
    """``BZERO``; 0 if ``flip`` is used."""

    blank: int | None = None
    """``BLANK`` of scaled integers, which become NaN."""

    def finish(self, pixels: np.ndarray[Any, np.dtype[Any]]) -> None:
        """Invert the sign bit of stored integers in place, if they stand for unsigned ones.

        Parameters
        ----------
        pixels
            Native numbers as stored.
        """
        if self.flip is not None:
            unsigned = pixels.view(f"u{pixels.dtype.itemsize}")
            np.bitwise_xor(unsigned, unsigned.dtype.type(self.flip), out=unsigned)

    def apply(self, stored: np.ndarray[Any, np.dtype[Any]], out: np.ndarray[Any, np.dtype[Any]]) -> None:
        """Scale numbers in double precision, as CFITSIO does.

        Parameters
        ----------
        stored
            Native numbers as stored.
        out
            Where the pixels go.
        """
        work = np.multiply(stored, np.float64(self.scale), dtype=np.float64)
        np.add(work, self.zero, out=out, casting="same_kind")
        if self.blank is not None:
            out[stored == self.blank] = np.nan


UNSCALED = {bitpix: Scaling(np.dtype(name), np.dtype(name)) for bitpix, name in PIXEL_TYPES.items()}
"""The rule for each ``BITPIX`` when there is neither ``BSCALE`` nor ``BZERO``."""


def read_scaling(values: Mapping[str, CardValue], bitpix: int) -> Scaling:
    """Read ``BSCALE``, ``BZERO`` and ``BLANK``.

    Parameters
    ----------
    values
        What `scan` found in the header.
    bitpix
        ``BITPIX`` or ``ZBITPIX``.

    Returns
    -------
    `Scaling`
        The rule.

    Notes
    -----
    Integers that are not scaled stay integers, whatever ``BLANK`` says, so that
    no value is changed; scaled ones become `float32` if they had 8 or 16 bits
    and else `float64`, as astropy and CFITSIO have it.
    """
    if bitpix not in PIXEL_TYPES:
        raise CorruptArchiveError(f"BITPIX or ZBITPIX = {bitpix!r}; one of {sorted(PIXEL_TYPES)} is needed.")
    stored = np.dtype(PIXEL_TYPES[bitpix])
    scale, zero = values.get("BSCALE", 1.0), values.get("BZERO", 0.0)
    if not isinstance(scale, int | float) or not isinstance(zero, int | float):
        raise CorruptArchiveError(f"BSCALE = {scale!r} and BZERO = {zero!r}; numbers are needed.")
    if scale == 1.0 and zero == 0.0:
        return Scaling(stored, stored)
    if scale == 1.0 and bitpix == 8 and zero == -128.0:
        return Scaling(stored, np.dtype("i1"), flip=0x80)
    if scale == 1.0 and bitpix > 8 and zero == float(1 << (bitpix - 1)):
        return Scaling(stored, np.dtype(f"u{bitpix // 8}"), flip=1 << (bitpix - 1))
    if bitpix < 0:
        return Scaling(stored, stored, scale=float(scale), zero=float(zero))
    blank = values.get("BLANK")
    return Scaling(
        stored,
        np.dtype("f4" if bitpix <= 16 else "f8"),
        scale=float(scale),
        zero=float(zero),
        blank=blank if type(blank) is int else None,
    )
