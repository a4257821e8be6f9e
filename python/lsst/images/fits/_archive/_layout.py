# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Layout of archive files: HDU keys, source strings and special HDUs.

A file consists of a primary HDU without data, the data HDUs, a table ``JSON``
whose first row is the tree, and a table ``INDEX`` with the addresses of all HDUs.
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
from ...utils import short_repr

FORMAT_VERSION = 1
"""Version of the layout that is written, and the highest that is read."""

JSON_EXTNAME = "JSON"
JSON_COLUMN = "JSON"
INDEX_EXTNAME = "INDEX"
CONTAINER_CARDS = ("FMTVER", "INDXADDR", "INDXSIZE", "JSONADDR", "JSONSIZE", "DATAMODL")

FITS_SOURCE_REGEX = re.compile(r"fits:(?P<extname>[\w/-]+)(?:,(?P<extver>\d+))?(?:\[(?P<column>\d+)\])?")
"""Pattern of a source string: name of an HDU, version, and number of a column."""

_NAME = re.compile(r"[\w/-]+")


@dataclasses.dataclass(frozen=True)
class ExtensionKey:
    """Identifier of an HDU in a file.

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
        """Return the key, after checking that its name is valid in a source string.

        Raises
        ------
        ArchiveWriteError
            If the name contains other characters than letters, digits, ``_``,
            ``/`` and ``-``.
        """
        if not _NAME.fullmatch(self.name):
            raise ArchiveWriteError(
                f"{self.name!r} is not a valid name of an HDU; use letters, digits, '_', '/' and '-' only."
            )
        return self

    @classmethod
    def from_str(cls, text: str) -> ExtensionKey:
        """Parse a source string, ignoring its column.

        Parameters
        ----------
        text
            ``fits:NAME``, ``fits:NAME,2`` or ``fits:NAME[3]``.

        Raises
        ------
        ArchiveReadError
            If it is not a source string.
        """
        return parse_source(text)[0]

    @classmethod
    def from_index_row(cls, row: Any) -> ExtensionKey:
        """Return the key in a row of the table ``INDEX``.

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
    """Parse a source string.

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
        If it is not a source string.
    """
    if (match := FITS_SOURCE_REGEX.fullmatch(str(text))) is None:
        raise ArchiveReadError(
            f"{short_repr(text)} is not a valid source string of a FITS file; expected 'fits:NAME', "
            "'fits:NAME,VERSION' or 'fits:NAME[COLUMN]'."
        )
    column = match["column"]
    return ExtensionKey(match["extname"], int(match["extver"] or 1)), None if column is None else int(column)


class PointerModel(pydantic.BaseModel):
    """A reference to a row of the table ``JSON``."""

    column: TableColumnModel
    row: int

    @pydantic.model_validator(mode="before")
    @classmethod
    def _accept_first_spelling(cls, data: Any) -> Any:
        """Convert ``{"source", "column", "row"}`` of old files to the current fields."""
        if not (isinstance(data, dict) and "source" in data):
            return data
        reference = {"source": f"{data['source']}[1]", "shape": (), "datatype": "uint8"}
        return {"column": {"data": reference, "name": data.get("column", JSON_COLUMN)}, "row": data["row"]}
