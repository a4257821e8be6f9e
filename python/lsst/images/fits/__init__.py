# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""FITS files: reading and writing of any FITS file, and archives of the types of this package."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .._aliases import moved_names
from .._bytes._byte_source import Buffer, ByteSource, BytesSource
from .._bytes._open_source import open_source
from .._bytes._remote_source import DEFAULT_PAGE_SIZE, READ_CACHE_MAX_BYTES
from ..errors import InvalidFitsArchiveError
from ..serialization import (
    FitsCompressionAlgorithm,
    FitsCompressionOptions,
    FitsDitherAlgorithm,
    FitsQuantizationOptions,
)
from ._archive._external_metadata import FitsExternalMetadata
from ._archive._input_archive import FitsInputArchive
from ._archive._layout import FITS_SOURCE_REGEX, JSON_COLUMN, JSON_EXTNAME, ExtensionKey, PointerModel
from ._archive._passthrough_hdus import (
    FitsOpaqueMetadata,
    PrecompressedImage,
    RawHeader,
    strip_butler_cards,
    strip_legacy_exposure_cards,
    suppress_fits_card_warnings,
)
from ._hdus._file import FitsFile
from ._hdus._hdu import Hdu
from ._hdus._table_reader import ColumnData, TableData
from ._headers._cards import CARD_SIZE, Cards, CardValue
from ._headers._hint_cards import WcsCards, hint_cards
from ._headers._keyword_classes import owned_keywords
from ._headers._wcs_cards import add_offset_wcs, read_offset_wcs, read_yx0, strip_wcs_cards

if TYPE_CHECKING:
    from ._archive._output_archive import FitsOutputArchive
    from ._archive._verify import verify
    from ._archive._verify_report import Finding, VerifyReport

__all__ = (
    "CARD_SIZE",
    "Buffer",
    "ByteSource",
    "BytesSource",
    "CardValue",
    "Cards",
    "ColumnData",
    "DEFAULT_PAGE_SIZE",
    "FITS_SOURCE_REGEX",
    "JSON_COLUMN",
    "JSON_EXTNAME",
    "ExtensionKey",
    "FitsCompressionAlgorithm",
    "FitsCompressionOptions",
    "FitsDitherAlgorithm",
    "FitsExternalMetadata",
    "FitsFile",
    "FitsInputArchive",
    "FitsOpaqueMetadata",
    "FitsOutputArchive",
    "FitsQuantizationOptions",
    "Finding",
    "Hdu",
    "InvalidFitsArchiveError",
    "PointerModel",
    "PrecompressedImage",
    "READ_CACHE_MAX_BYTES",
    "RawHeader",
    "TableData",
    "VerifyReport",
    "WcsCards",
    "add_offset_wcs",
    "hint_cards",
    "open_source",
    "owned_keywords",
    "read_offset_wcs",
    "read_yx0",
    "strip_butler_cards",
    "strip_legacy_exposure_cards",
    "strip_wcs_cards",
    "suppress_fits_card_warnings",
    "verify",
)

__getattr__ = moved_names(__name__)
