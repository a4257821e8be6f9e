# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Aperture corrections: a field for each photometry algorithm."""

from __future__ import annotations

__all__ = ("ApertureCorrectionMap", "aperture_corrections_from_legacy", "aperture_corrections_to_legacy")

from collections.abc import Mapping
from typing import Any, TypeAlias

from .._aliases import accepts_legacy_names
from ..plugins import registry
from ._base import BaseField

ApertureCorrectionMap: TypeAlias = dict[str, BaseField]
"""Dimensionless fields by name of the photometry algorithm.  The instrumental
fluxes of an algorithm are multiplied by its field."""


@accepts_legacy_names
def aperture_corrections_from_legacy(legacy: Any) -> ApertureCorrectionMap:
    """Convert from an `lsst.afw.image.ApCorrMap`.

    Parameters
    ----------
    legacy
        The afw object.

    Returns
    -------
    corrections
        A new dictionary in the order of the afw object.
    """
    return registry.convert_from_legacy(legacy, dict, form="ApertureCorrectionMap")


def aperture_corrections_to_legacy(corrections: Mapping[str, BaseField]) -> Any:
    """Convert to an `lsst.afw.image.ApCorrMap`.

    Parameters
    ----------
    corrections
        Fields by name of the algorithm.
    """
    return registry.convert_to_legacy(dict(corrections), form="ApCorrMap")
