# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""The table archives of `lsst.afw` files, decoded without `lsst.afw`.

Objects are decoded into plain records; code in a file is never executed.
"""

from __future__ import annotations

__all__ = (
    "LegacyArchive",
    "LegacyDecoder",
    "LegacyEntry",
    "LegacyExposureCatalog",
    "LegacyOpaque",
    "LegacyRow",
    "LegacyRows",
    "Reference",
    "filter_label_from_cards",
    "open_cell_coadd",
    "open_exposure_catalog",
    "open_legacy_fits",
    "open_stamps",
    "photo_calib_from_cards",
    "read_backgrounds",
    "visit_info_from_cards",
)

from ._catalogs import LegacyExposureCatalog, open_exposure_catalog
from ._cell_coadd import open_cell_coadd
from ._decoder import LegacyDecoder
from ._entries import LegacyEntry, LegacyOpaque, Reference
from ._image_files import open_stamps, read_backgrounds
from ._locate import open_legacy_fits
from ._misc import filter_label_from_cards
from ._photo_calib import photo_calib_from_cards
from ._reader import LegacyArchive
from ._rows import LegacyRow, LegacyRows
from ._visit_info import visit_info_from_cards
