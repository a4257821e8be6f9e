# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Units in the headers of `lsst.afw` files."""

from __future__ import annotations

__all__ = ("parse_legacy_bunit",)

import astropy.units as u

from ..serialization import parse_unit


def parse_legacy_bunit(bunit: str, instrumental_unit: u.UnitBase | None = None) -> u.UnitBase:
    """Parse the value of a card ``BUNIT``.

    Parameters
    ----------
    bunit
        The value; units of detectors are accepted in the spellings of old files
        (``ADU``, ``ELECTRONS``).
    instrumental_unit
        Unit of the pixels after instrument signature removal.  If it is the electron,
        ``adu`` is read as electrons: early files have the wrong unit.

    Returns
    -------
    unit
        The unit.

    Raises
    ------
    ValueError
        If the value is not a unit.
    """
    unit = parse_unit(bunit.strip())
    if instrumental_unit == u.electron:
        for power in (1, 2):
            if unit == u.adu**power:
                return u.electron**power
    return unit
