# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Cell coadds and their components."""

from __future__ import annotations

__all__ = (
    "CONTRIBUTION_COLUMNS",
    "INPUT_COLUMNS",
    "CellApertureCorrectionMap",
    "CellCoadd",
    "CellField",
    "CellGrid",
    "CellGridBounds",
    "CellIJ",
    "CellPointSpreadFunction",
    "CoaddProvenance",
    "PatchDefinition",
)

from .._aliases import moved_names
from .._geom import CellGrid, CellGridBounds, CellIJ
from ._aperture_corrections import CellApertureCorrectionMap, CellField
from ._coadd import CellCoadd
from ._patch import PatchDefinition
from ._provenance import CONTRIBUTION_COLUMNS, INPUT_COLUMNS, CoaddProvenance
from ._psf import CellPointSpreadFunction

__getattr__ = moved_names(__name__)
