# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Column descriptions of binary tables."""

from __future__ import annotations

__all__ = ("MAX_HEAP_32BIT", "SIZES", "TYPES", "Column", "parse_columns")

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...errors import CorruptArchiveError
from ...utils import short_repr
from ._cards import CardValue

_FORM = re.compile(r"\s*(\d*)([LXBIJKAEDCMPQ])([LXBIJKAEDCM]?)\s*(?:\((\d*)\))?")
_DIM = re.compile(r"\s*\(([\d,\s]+)\)\s*\Z")

TYPES = {
    "L": "u1",
    "X": "u1",
    "B": "u1",
    "I": ">i2",
    "J": ">i4",
    "K": ">i8",
    "E": ">f4",
    "D": ">f8",
    "C": ">c8",
    "M": ">c16",
    "A": "S1",
}
"""Stored type of each letter of ``TFORMn`` (FITS Standard 4.0, table 18)."""

SIZES = {code: np.dtype(kind).itemsize for code, kind in TYPES.items()}
"""Size in bytes of one element of each ``TFORMn`` letter."""

ELEMENTS = {code: np.dtype(kind) for code, kind in TYPES.items()}
"""Stored type of each ``TFORMn`` letter, as `numpy.dtype`."""

MAX_HEAP_32BIT = 2**31 - 1
"""Maximum size in bytes of a heap whose descriptors have 32 bits (``P`` in place of ``Q``)."""

MAX_COLUMNS = 999
"""Maximum ``TFIELDS`` (FITS Standard 4.0, section 7.3.1)."""

_DESCRIPTORS = {"P": ">u4", "Q": ">i8"}
# Heaps of 2 to 4 GiB are written with 32-bit descriptors, whose numbers are then unsigned.
_DESCRIPTOR_SIZES = {"P": 8, "Q": 16}


@dataclass(frozen=True, slots=True)
class Column:
    """Description of a column of a binary table."""

    name: str
    """``TTYPEn``, or an empty string."""

    code: str
    """Letter of the element type; for variable lengths, that of the elements in the heap."""

    repeat: int
    """Number of elements per row; of bits for ``X``, of characters for ``A``."""

    offset: int
    """Byte of the row at which the field starts."""

    width: int
    """Size of the field in bytes."""

    descriptor: str | None
    """Type of the two numbers of an array descriptor; `None` for fixed lengths."""

    shape: tuple[int, ...] | None
    """Value of ``TDIMn`` in C order."""

    scale: float
    """``TSCALn``."""

    zero: float
    """``TZEROn``."""

    unit: str | None
    """``TUNITn``."""

    @property
    def element(self) -> np.dtype[Any]:
        """Stored type of one element (`numpy.dtype`)."""
        return ELEMENTS[self.code]


def parse_columns(values: Mapping[str, CardValue], row_size: int) -> list[Column]:
    """Read the column cards of a binary table.

    Parameters
    ----------
    values
        Values of the header cards, from `scan`.
    row_size
        ``NAXIS1``.

    Returns
    -------
    `list` [ `Column` ]
        The columns in order.

    Raises
    ------
    CorruptArchiveError
        If a card is invalid, or the columns do not fit into a row.
    """
    count = values.get("TFIELDS")
    if type(count) is not int or not 0 <= count <= MAX_COLUMNS:
        raise CorruptArchiveError(
            f"TFIELDS = {short_repr(count)} is invalid; it must be an integer from 0 to {MAX_COLUMNS}."
        )
    columns: list[Column] = []
    offset = 0
    for i in range(1, count + 1):
        form = values.get(f"TFORM{i}")
        match = _FORM.match(form.upper()) if isinstance(form, str) else None
        if match is None or (match[2] in _DESCRIPTORS) != bool(match[3]):
            raise CorruptArchiveError(
                f"TFORM{i} = {short_repr(form)} is not a valid column format of a binary table."
            )
        repeat = int(match[1]) if match[1] else 1
        descriptor = _DESCRIPTORS.get(match[2])
        code = match[3] if descriptor else match[2]
        dim, scale, zero = values.get(f"TDIM{i}"), values.get(f"TSCAL{i}", 1.0), values.get(f"TZERO{i}", 0.0)
        if not isinstance(scale, int | float) or not isinstance(zero, int | float):
            raise CorruptArchiveError(
                f"TSCAL{i} = {short_repr(scale)} or TZERO{i} = {short_repr(zero)} is invalid; both must be "
                "numbers."
            )
        unit = values.get(f"TUNIT{i}")
        if descriptor:
            width = _DESCRIPTOR_SIZES[match[2]] * min(repeat, 1)
        else:
            width = -(-repeat // 8) if code == "X" else repeat * SIZES[code]
        columns.append(
            Column(
                name=str(values.get(f"TTYPE{i}") or "").strip(),
                code=code,
                repeat=repeat,
                offset=offset,
                width=width,
                descriptor=descriptor,
                shape=None if descriptor or dim is None else _parse_dim(dim, repeat),
                scale=float(scale),
                zero=float(zero),
                unit=str(unit) if unit is not None else None,
            )
        )
        offset += width
    if offset > row_size:
        raise CorruptArchiveError(
            f"The columns take {offset} bytes per row, but NAXIS1 = {short_repr(row_size)}."
        )
    return columns


def _parse_dim(value: Any, repeat: int) -> tuple[int, ...] | None:
    match = _DIM.match(value) if isinstance(value, str) else None
    if match is None:
        return None
    shape = tuple(int(word) for word in reversed(match[1].split(",")) if word.strip())
    # A TDIM with more elements than the field is ignored (FITS Standard 4.0, section 7.3.2).
    return shape if shape and math.prod(shape) <= repeat else None
