# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Map pixel values to colours: limits and stretch."""

from __future__ import annotations

__all__ = ("Interval", "Stretch", "make_norm")

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import numpy as np
from astropy.visualization import (
    AsinhStretch,
    AsymmetricPercentileInterval,
    BaseInterval,
    BaseStretch,
    ImageNormalize,
    LinearStretch,
    LogStretch,
    MinMaxInterval,
    PercentileInterval,
    SinhStretch,
    SqrtStretch,
    SquaredStretch,
    ZScaleInterval,
)

from ..errors import InvalidArgumentError

Interval: TypeAlias = str | float | tuple[float, float] | BaseInterval
Stretch: TypeAlias = str | BaseStretch

STRETCHES: Mapping[str, Callable[[], BaseStretch]] = {
    "asinh": AsinhStretch,
    "linear": LinearStretch,
    "log": LogStretch,
    "sinh": SinhStretch,
    "sqrt": SqrtStretch,
    "squared": SquaredStretch,
}
INTERVALS: Mapping[str, Callable[[], BaseInterval]] = {"minmax": MinMaxInterval, "zscale": ZScaleInterval}


def make_norm(
    values: np.ndarray,
    *,
    stretch: Stretch = "linear",
    interval: Interval = "zscale",
    vmin: float | None = None,
    vmax: float | None = None,
) -> ImageNormalize:
    """Make the normalization of pixel values.

    Parameters
    ----------
    values
        The pixels that are drawn.
    stretch
        Name of a stretch (``linear``, ``asinh``, ``log``, ``sqrt``,
        ``squared``, ``sinh``) or a stretch of `astropy.visualization`.
    interval
        How to find the limits: ``"zscale"``, ``"minmax"``, a percentage of the
        pixels, a pair of percentiles, or an interval of
        `astropy.visualization`.
    vmin, vmax
        Limits, instead of those of the interval.

    Returns
    -------
    norm
        An `astropy.visualization.ImageNormalize`.

    Raises
    ------
    InvalidArgumentError
        If the name of a stretch or an interval is unknown, or a percentage is
        not between 0 and 100.
    """
    finder, curve = _find_interval(interval), _find_stretch(stretch)
    finite = values[np.isfinite(values)]
    low, high = (0.0, 1.0) if finite.size == 0 else map(float, finder.get_limits(finite))
    if finite.size and not low < high:
        low, high = float(finite.min()), float(finite.max())
    if not low < high:
        low, high = low - 0.5, low + 0.5
    low = low if vmin is None else float(vmin)
    high = high if vmax is None else float(vmax)
    return ImageNormalize(vmin=low, vmax=high, stretch=curve, clip=False)


def _find_stretch(stretch: Any) -> BaseStretch:
    if isinstance(stretch, BaseStretch):
        return stretch
    if isinstance(stretch, str) and stretch in STRETCHES:
        return STRETCHES[stretch]()
    raise InvalidArgumentError(
        f"Unknown stretch {stretch!r}; expected one of {sorted(STRETCHES)} or a stretch of "
        "astropy.visualization."
    )


def _find_interval(interval: Any) -> BaseInterval:
    if isinstance(interval, BaseInterval):
        return interval
    if isinstance(interval, str) and interval in INTERVALS:
        return INTERVALS[interval]()
    pair = interval if isinstance(interval, tuple) else (interval,)
    if not isinstance(interval, str) and all(_is_percentage(value) for value in pair):
        if len(pair) == 1:
            return PercentileInterval(pair[0])
        if len(pair) == 2 and pair[0] < pair[1]:
            return AsymmetricPercentileInterval(*pair)
    raise InvalidArgumentError(
        f"Invalid interval {interval!r}; expected one of {sorted(INTERVALS)}, a percentage, an increasing "
        "pair of percentiles between 0 and 100, or an interval of astropy.visualization."
    )


def _is_percentage(value: object) -> bool:
    return isinstance(value, int | float | np.integer) and bool(0 <= value <= 100)
