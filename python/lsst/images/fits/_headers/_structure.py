# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Mandatory cards of an HDU, which determine its type and size."""

from __future__ import annotations

__all__ = ("PIXEL_TYPES", "Structure", "padded")

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from ...errors import CorruptArchiveError
from ...utils import short_repr
from ._cards import BLOCK_SIZE, CardValue

PIXEL_TYPES: dict[int, str] = {8: "u1", 16: "i2", 32: "i4", 64: "i8", -32: "f4", -64: "f8"}
"""NumPy type of each ``BITPIX`` (without byte order)."""

MAX_AXES = 999
"""Maximum ``NAXIS`` (FITS Standard 4.0, section 4.4.1.1)."""

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
    """Return a size rounded up to whole FITS blocks.

    Parameters
    ----------
    size
        Number of bytes.

    Returns
    -------
    `int`
        Number of bytes, a multiple of 2880.
    """
    return -(-size // BLOCK_SIZE) * BLOCK_SIZE


@dataclass(frozen=True, slots=True)
class Structure:
    """Type and size of an HDU."""

    kind: Kind
    """``"image"``, ``"compressed_image"``, ``"table"``, ``"ascii_table"`` or ``"other"``."""

    bitpix: int
    """``BITPIX`` of the data unit itself."""

    axes: tuple[int, ...]
    """``NAXIS1``, ``NAXIS2``, ... in FITS order."""

    pcount: int
    """``PCOUNT``: size of the heap in bytes, or number of parameters of a random group."""

    size: int
    """Size of the data unit in bytes, without padding."""

    @classmethod
    def parse(cls, values: Mapping[str, CardValue]) -> Structure:
        """Read and check the mandatory cards.

        Parameters
        ----------
        values
            Values of the header cards, from `scan`.

        Raises
        ------
        CorruptArchiveError
            If a card is missing or invalid.
        """
        bitpix, naxis = values.get("BITPIX"), values.get("NAXIS")
        if type(bitpix) is not int or bitpix not in PIXEL_TYPES:
            raise CorruptArchiveError(
                f"BITPIX = {short_repr(bitpix)} is invalid; it must be one of {sorted(PIXEL_TYPES)}."
            )
        if type(naxis) is not int or not 0 <= naxis <= MAX_AXES:
            raise CorruptArchiveError(
                f"NAXIS = {short_repr(naxis)} is invalid; it must be an integer from 0 to {MAX_AXES}."
            )
        numbers: list[int] = []
        for name in (*AXIS_NAMES[:naxis], "PCOUNT", "GCOUNT"):
            value = values.get(name, _DEFAULTS.get(name))
            if type(value) is not int or value < 0:
                raise CorruptArchiveError(
                    f"{name} = {short_repr(value)} is invalid; it must be a non-negative integer."
                )
            numbers.append(value)
        gcount, pcount = numbers.pop(), numbers.pop()
        axes = tuple(numbers)
        # Random groups (section 6) have NAXIS1 = 0.
        groups = bool(axes) and axes[0] == 0 and values.get("GROUPS") is True
        cells = math.prod(axes[1:] if groups else axes) if axes else 0
        size = abs(bitpix) // 8 * gcount * (pcount + cells) if axes else 0
        kind: Kind = "image"
        extension = values.get("XTENSION")
        if extension is not None:
            kind = _KINDS.get(str(extension).upper(), "other")
            if kind in ("table", "ascii_table") and naxis != 2:
                raise CorruptArchiveError(
                    f"NAXIS = {short_repr(naxis)} is invalid for a table; it must be 2."
                )
            if kind == "table" and values.get("ZIMAGE") is True:
                kind = "compressed_image"
        return cls(kind, bitpix, axes, pcount, size)
