# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Read and write files of any registered container."""

from __future__ import annotations

__all__ = (
    "Backend",
    "Cutout",
    "DatasetReader",
    "ReadResult",
    "Reader",
    "Serializable",
    "backend_for_name",
    "backend_for_path",
    "backend_for_stream",
    "decompress",
    "is_compressed_name",
    "open_archive",
    "parse_bbox",
    "read",
    "read_cutouts",
    "read_fits",
    "write",
    "write_fits",
    "write_json",
    "write_ndf",
)

from ._backends import Backend, backend_for_name, backend_for_path, backend_for_stream
from ._compression import decompress, is_compressed_name
from ._cutouts import Cutout, read_cutouts
from ._dataset_reader import DatasetReader
from ._read_fits import ReadResult, read_fits
from ._reader import Reader, open_archive, parse_bbox, read
from ._serializable import Serializable
from ._write import write, write_fits, write_json, write_ndf
