# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""FITS files: an engine for any of them, and archives for our own."""

from __future__ import annotations

from .._aliases import moved_names
from ..errors import InvalidFitsArchiveError
from ..serialization import (
    FitsCompressionAlgorithm,
    FitsCompressionOptions,
    FitsDitherAlgorithm,
    FitsQuantizationOptions,
)
from ._file import FitsFile
from ._hdu import Hdu
from ._input_archive import FitsInputArchive
from ._layout import FITS_SOURCE_REGEX, JSON_COLUMN, JSON_EXTNAME, ExtensionKey, PointerModel
from ._opaque import (
    FitsOpaqueMetadata,
    PrecompressedImage,
    RawHeader,
    strip_butler_cards,
    strip_legacy_exposure_cards,
    suppress_fits_card_warnings,
)
from ._output_archive import FitsOutputArchive
from ._remote_source import DEFAULT_PAGE_SIZE, READ_CACHE_MAX_BYTES
from ._verify import verify
from ._verify_report import Finding, VerifyReport
from ._wcs_cards import add_offset_wcs, read_offset_wcs, read_yx0, strip_wcs_cards

__all__ = (
    "DEFAULT_PAGE_SIZE",
    "FITS_SOURCE_REGEX",
    "JSON_COLUMN",
    "JSON_EXTNAME",
    "ExtensionKey",
    "FitsCompressionAlgorithm",
    "FitsCompressionOptions",
    "FitsDitherAlgorithm",
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
    "VerifyReport",
    "add_offset_wcs",
    "read_offset_wcs",
    "read_yx0",
    "strip_butler_cards",
    "strip_legacy_exposure_cards",
    "strip_wcs_cards",
    "suppress_fits_card_warnings",
    "verify",
)

__getattr__ = moved_names(__name__)
