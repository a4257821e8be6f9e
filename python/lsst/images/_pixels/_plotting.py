# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""The target type of conversions that draw an object."""

from __future__ import annotations

__all__ = ("axes_type",)

from typing import TYPE_CHECKING

from ..errors import MissingOptionalDependencyError

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def axes_type() -> type[Axes]:
    """Import `matplotlib.axes.Axes`, the type that plots are converted to.

    Raises
    ------
    MissingOptionalDependencyError
        If matplotlib is not installed.
    """
    try:
        from matplotlib.axes import Axes
    except ImportError as err:
        raise MissingOptionalDependencyError(
            "Plotting requires the package 'matplotlib'; install it, for example with the extra 'plot': "
            "pip install 'lsst-images[plot]'."
        ) from err
    return Axes
