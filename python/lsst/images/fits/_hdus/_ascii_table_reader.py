# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Reading of ASCII table extensions, by astropy."""

from __future__ import annotations

__all__ = ("read_ascii_table",)

from typing import Any

import numpy as np

from ..._bytes._byte_source import Buffer
from ...errors import CorruptArchiveError
from .._headers._cards import BLOCK_SIZE
from .._headers._columns import Column
from ._table_reader import TableData

_Array = np.ndarray[Any, np.dtype[Any]]


def read_ascii_table(header: Buffer, data: Buffer) -> TableData:
    """Read an ASCII table with astropy.

    Parameters
    ----------
    header, data
        The HDU's bytes.

    Returns
    -------
    `TableData`
        The table, converted to a binary table.
    """
    import astropy.io.fits

    try:
        hdu = astropy.io.fits.TableHDU.fromstring(
            bytes(header) + bytes(data) + b" " * (-len(data) % BLOCK_SIZE)
        )
        columns = {name: np.asarray(hdu.data[name]) for name in hdu.columns.names}
    except (ValueError, TypeError, OSError) as err:
        raise CorruptArchiveError(f"The ASCII table cannot be read by astropy: {err}.") from err
    fields: list[Column] = []
    blocks: list[_Array] = []
    offset = 0
    for name, values in columns.items():
        code = {"U": "A", "S": "A", "i": "K", "f": "D"}[values.dtype.kind]
        stored = np.char.encode(values, "latin-1") if code == "A" else values.astype(f">{values.dtype.kind}8")
        block = np.ascontiguousarray(stored).view(np.uint8).reshape(len(values), -1)
        repeat = block.shape[1] if code == "A" else 1
        fields.append(Column(name, code, repeat, offset, block.shape[1], None, None, 1.0, 0.0, None))
        blocks.append(block)
        offset += block.shape[1]
    rows = np.concatenate(blocks, axis=1) if blocks else np.empty((0, 0), dtype=np.uint8)
    return TableData(fields, rows, memoryview(b""))
