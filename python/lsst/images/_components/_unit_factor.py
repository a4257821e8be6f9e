# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Factors that convert pixel values between units."""

from __future__ import annotations

__all__ = ("UnitFactor",)

import dataclasses

import numpy as np


@dataclasses.dataclass(frozen=True)
class UnitFactor:
    """A factor that converts pixel values from one unit to another.

    Parameters
    ----------
    values
        A number, or an array with the shape of the image.
    divides
        Whether to divide by the values instead of multiplying.
    """

    values: float | np.ndarray = 1.0
    divides: bool = False

    @property
    def is_one(self) -> bool:
        """Whether the conversion leaves pixel values unchanged."""
        return np.isscalar(self.values) and self.values == 1.0

    def apply(self, array: np.ndarray, power: int = 1) -> np.ndarray:
        """Convert pixel values.

        Parameters
        ----------
        array
            The pixels.
        power
            Two for a variance.

        Returns
        -------
        converted
            A new array.
        """
        factor = self.values**power
        return np.asarray(array / factor if self.divides else array * factor)
