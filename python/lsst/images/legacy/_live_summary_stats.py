# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Summary statistics, converted to live objects of `lsst.afw`."""

from __future__ import annotations

__all__ = ("summary_stats_to",)

import dataclasses
from typing import Any

from .._exposures import ObservationSummaryStats
from .._exposures._summary_stats import is_unset
from ..errors import LegacyValueError
from ._live_modules import stack_module


def summary_stats_to(obj: ObservationSummaryStats) -> Any:
    """Convert to an `lsst.afw.image.ExposureSummaryStats`.

    Parameters
    ----------
    obj
        The statistics.

    Raises
    ------
    LegacyValueError
        If the installed version of afw lacks a statistic that has a value.
    """
    kind = stack_module("afw.image").ExposureSummaryStats
    known = {item.name for item in dataclasses.fields(kind)}
    values = {}
    for name, value in obj.items():
        if name in known:
            values[name] = list(value) if isinstance(value, tuple) else value
        elif not is_unset(value) and value != 0:
            raise LegacyValueError(
                f"Statistic {name!r} = {value!r} is not supported by this version of lsst.afw."
            )
    return kind(**values)
