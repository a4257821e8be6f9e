# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Stamps: small images of equal size around many positions, as one stack of pixels."""

from __future__ import annotations

__all__ = ("StampStatus", "Stamps", "read_stamps")

from ._read import read_stamps
from ._stamps import Stamps, StampStatus
