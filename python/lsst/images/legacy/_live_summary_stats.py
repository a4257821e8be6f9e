# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Summary statistics, converted to live objects of `lsst.afw`."""

from __future__ import annotations

__all__ = ("summary_stats_to",)

import dataclasses
import warnings
from typing import Any

from .._exposures import ObservationSummaryStats
from .._exposures._summary_stats import is_unset
from ..errors import LegacyValueError, LossyConversionWarning
from ._live_modules import stack_module


def summary_stats_to(obj: ObservationSummaryStats, *, allow_loss: bool = False) -> Any:
    """Convert to an `lsst.afw.image.ExposureSummaryStats`.

    Parameters
    ----------
    obj
        The statistics.
    allow_loss
        Whether to leave out, with a warning, statistics that the installed
        version of afw lacks.

    Raises
    ------
    LegacyValueError
        If the installed version of afw lacks a statistic that has a value,
        unless ``allow_loss`` is `True`.
    """
    kind = stack_module("afw.image").ExposureSummaryStats
    known = {item.name for item in dataclasses.fields(kind)}
    values = {name: list(v) if isinstance(v, tuple) else v for name, v in obj.items() if name in known}
    lost = {name: v for name, v in obj.items() if name not in known and not is_unset(v) and v != 0}
    if lost:
        message = f"The statistics {lost} are not supported by this version of lsst.afw"
        if not allow_loss:
            raise LegacyValueError(f"{message}.")
        warnings.warn(f"{message}; they are left out.", LossyConversionWarning, stacklevel=7)
    return kind(**values)
