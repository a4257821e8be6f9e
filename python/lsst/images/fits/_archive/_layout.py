# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""The words of the file layout: HDU keys, source strings, special HDUs.

A file is a primary HDU without data, the data HDUs, a table ``JSON`` whose
first row is the tree, and a table ``INDEX`` with the address of every HDU.
"""

from __future__ import annotations

__all__ = (
    "CONTAINER_CARDS",
    "FITS_SOURCE_REGEX",
    "FORMAT_VERSION",
    "INDEX_EXTNAME",
    "JSON_COLUMN",
    "JSON_EXTNAME",
    "ExtensionKey",
    "PointerModel",
)

import dataclasses
import functools
import re
from typing import Any

import pydantic

from ...errors import ArchiveReadError, ArchiveWriteError
from ...serialization import TableColumnModel

FORMAT_VERSION = 1
"""Version of the layout that is written, and the newest that is read."""

JSON_EXTNAME = "JSON"
JSON_COLUMN = "JSON"
INDEX_EXTNAME = "INDEX"
CONTAINER_CARDS = ("FMTVER", "INDXADDR", "INDXSIZE", "JSONADDR", "JSONSIZE", "DATAMODL")

FITS_SOURCE_REGEX = re.compile(r"fits:(?P<extname>[\w/-]+)(?:,(?P<extver>\d+))?(?:\[(?P<column>\d+)\])?")
"""A source string: name of an HDU, version, and number of a column."""

_NAME = re.compile(r"[\w/-]+")


@dataclasses.dataclass(frozen=True)
class ExtensionKey:
    """What tells one HDU of a file from the others.

    Parameters
    ----------
    name
        Upper-case ``EXTNAME``; empty for the primary HDU.
    ver
        ``EXTVER``.
    """

    name: str = ""
    ver: int = 1

    def __str__(self) -> str:
        return f"fits:{self.name}" if self.ver == 1 else f"fits:{self.name},{self.ver}"

    def check(self) -> ExtensionKey:
        """Return the key itself if its name may stand in a source string.

        Raises
        ------
        ArchiveWriteError
            If it holds anything but letters, digits, ``_``, ``/`` and ``-``.
        """
        if not _NAME.fullmatch(self.name):
            raise ArchiveWriteError(
                f"{self.name!r} cannot be the name of a FITS HDU; use letters, digits, '_', '/' and '-' only."
            )
        return self

    @classmethod
    def from_str(cls, text: str) -> ExtensionKey:
        """Take a source string apart, and ignore its column.

        Parameters
        ----------
        text
            ``fits:NAME``, ``fits:NAME,2`` or ``fits:NAME[3]``.

        Raises
        ------
        ArchiveReadError
            If it is no source string.
        """
        return parse_source(text)[0]

    @classmethod
    def from_index_row(cls, row: Any) -> ExtensionKey:
        """Make a key of a row of the ``INDEX`` table.

        Parameters
        ----------
        row
            Row with the columns ``EXTNAME`` and ``EXTVER``.
        """
        name = row["EXTNAME"]
        return cls(
            name.decode("ascii").strip() if isinstance(name, bytes) else str(name).strip(), int(row["EXTVER"])
        )


@functools.lru_cache(maxsize=1024)
def parse_source(text: str | int) -> tuple[ExtensionKey, int | None]:
    """Take a source string apart.

    Parameters
    ----------
    text
        ``fits:NAME``, ``fits:NAME,2`` or ``fits:NAME[3]``.

    Returns
    -------
    key, column
        The HDU, and the number of the column (from 1) or `None`.

    Raises
    ------
    ArchiveReadError
        If it is no source string.
    """
    if (match := FITS_SOURCE_REGEX.fullmatch(str(text))) is None:
        raise ArchiveReadError(
            f"{text!r} is not a source in a FITS file; wanted is 'fits:NAME', "
            "'fits:NAME,VERSION' or 'fits:NAME[COLUMN]'."
        )
    column = match["column"]
    return ExtensionKey(match["extname"], int(match["extver"] or 1)), None if column is None else int(column)


class PointerModel(pydantic.BaseModel):
    """A pointer of the FITS container: a row of the ``JSON`` table."""

    column: TableColumnModel
    row: int

    @pydantic.model_validator(mode="before")
    @classmethod
    def _accept_first_spelling(cls, data: Any) -> Any:
        """Turn ``{"source", "column", "row"}`` of old files into today's."""
        if not (isinstance(data, dict) and "source" in data):
            return data
        reference = {"source": f"{data['source']}[1]", "shape": (), "datatype": "uint8"}
        return {"column": {"data": reference, "name": data.get("column", JSON_COLUMN)}, "row": data["row"]}
