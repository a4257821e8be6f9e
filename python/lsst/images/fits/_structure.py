# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""The mandatory cards of an HDU: what it is, and how long."""

from __future__ import annotations

__all__ = ("PIXEL_TYPES", "UNSCALED", "Scaling", "Structure", "padded", "read_scaling")

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from ..errors import CorruptArchiveError
from ._cards import BLOCK, CardValue

PIXEL_TYPES: dict[int, str] = {8: "u1", 16: "i2", 32: "i4", 64: "i8", -32: "f4", -64: "f8"}
"""NumPy type of each ``BITPIX`` (without byte order)."""

MAX_AXES = 999
"""Largest ``NAXIS`` of the standard, section 4.4.1.1."""

AXIS_NAMES = tuple(f"NAXIS{i}" for i in range(1, MAX_AXES + 1))

_DEFAULTS = {"PCOUNT": 0, "GCOUNT": 1}

Kind = Literal["image", "compressed_image", "table", "ascii_table", "other"]

_KINDS: dict[str, Kind] = {
    "IMAGE": "image",
    "IUEIMAGE": "image",
    "BINTABLE": "table",
    "A3DTABLE": "table",
    "TABLE": "ascii_table",
}


def padded(size: int) -> int:
    """Return a length rounded up to whole FITS blocks.

    Parameters
    ----------
    size
        Number of bytes.

    Returns
    -------
    `int`
        Number of bytes, a multiple of 2880.
    """
    return -(-size // BLOCK) * BLOCK


@dataclass(frozen=True, slots=True)
class Structure:
    """What the mandatory cards of an HDU say."""

    kind: Kind
    """``"image"``, ``"compressed_image"``, ``"table"``, ``"ascii_table"`` or ``"other"``."""

    bitpix: int
    """``BITPIX`` of the data unit itself."""

    axes: tuple[int, ...]
    """``NAXIS1``, ``NAXIS2``, ... in FITS order."""

    pcount: int
    """Bytes after the table proper, or parameters of a random group."""

    size: int
    """Bytes in the data unit, without padding."""

    @classmethod
    def parse(cls, values: Mapping[str, CardValue]) -> Structure:
        """Read and check the mandatory cards.

        Parameters
        ----------
        values
            What `scan` found in the header.

        Raises
        ------
        CorruptArchiveError
            If a card is missing or has an impossible value.
        """
        bitpix, naxis = values.get("BITPIX"), values.get("NAXIS")
        if type(bitpix) is not int or bitpix not in PIXEL_TYPES:
            raise CorruptArchiveError(f"BITPIX = {bitpix!r}; one of {sorted(PIXEL_TYPES)} is needed.")
        if type(naxis) is not int or not 0 <= naxis <= MAX_AXES:
            raise CorruptArchiveError(f"NAXIS = {naxis!r}; 0 to {MAX_AXES} is needed.")
        numbers: list[int] = []
        for name in (*AXIS_NAMES[:naxis], "PCOUNT", "GCOUNT"):
            value = values.get(name, _DEFAULTS.get(name))
            if type(value) is not int or value < 0:
                raise CorruptArchiveError(f"{name} = {value!r}; an integer that is not negative is needed.")
            numbers.append(value)
        gcount, pcount = numbers.pop(), numbers.pop()
        axes = tuple(numbers)
        # Random groups (section 6) say so by an empty first axis.
        groups = bool(axes) and axes[0] == 0 and values.get("GROUPS") is True
        cells = math.prod(axes[1:] if groups else axes) if axes else 0
        size = abs(bitpix) // 8 * gcount * (pcount + cells) if axes else 0
        kind: Kind = "image"
        extension = values.get("XTENSION")
        if extension is not None:
            kind = _KINDS.get(str(extension).upper(), "other")
            if kind in ("table", "ascii_table") and naxis != 2:
                raise CorruptArchiveError(f"NAXIS = {naxis!r} of a table; 2 is needed.")
            if kind == "table" and values.get("ZIMAGE") is True:
                kind = "compressed_image"
        return cls(kind, bitpix, axes, pcount, size)


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
