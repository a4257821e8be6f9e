# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Coadds that are made of cells, and what belongs to them."""

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

from typing import Any

from .._geom import CellGrid, CellGridBounds, CellIJ
from ..plugins import registry
from ._aperture_corrections import CellApertureCorrectionMap, CellField
from ._coadd import CellCoadd
from ._patch import PatchDefinition
from ._provenance import CONTRIBUTION_COLUMNS, INPUT_COLUMNS, CoaddProvenance
from ._psf import CellPointSpreadFunction

_MODELS = {
    "CellApertureCorrectionMapSerializationModel": "cell_aperture_correction_map",
    "CellCoaddSerializationModel": "cell_coadd",
    "CellPointSpreadFunctionSerializationModel": "cell_psf",
    "CoaddProvenanceSerializationModel": "coadd_provenance",
}
"""Names of serialization models, which live above this floor, by schema."""


def __getattr__(name: str) -> Any:
    if name not in _MODELS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return registry.model_for_schema(_MODELS[name])
