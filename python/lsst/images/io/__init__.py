# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Reading and writing whole files and components, whatever the container."""

from __future__ import annotations

__all__ = (
    "Reader",
    "Serializable",
    "decompress",
    "is_compressed_name",
    "open_archive",
    "parse_bbox",
    "read",
    "write",
)

from ._compression import decompress, is_compressed_name
from ._reader import Reader, open_archive, parse_bbox, read
from ._serializable import Serializable
from ._write import write, write_fits, write_json
