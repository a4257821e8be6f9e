# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Serial numbers of detectors that old camera definitions have wrong."""

from __future__ import annotations

__all__ = ("correct_serial",)

import warnings
from collections.abc import Mapping

from ..errors import LossyConversionWarning

LSSTCAM_SERIALS: Mapping[int, str] = {
    108: "E2V-CCD250-140",
    109: "E2V-CCD250-314",
    110: "E2V-CCD250-302",
    111: "E2V-CCD250-298",
    112: "E2V-CCD250-305",
    113: "E2V-CCD250-318",
    114: "E2V-CCD250-304",
    115: "E2V-CCD250-301",
    116: "E2V-CCD250-385",
    153: "E2V-CCD250-160",
    154: "E2V-CCD250-411",
    155: "E2V-CCD250-256",
    156: "E2V-CCD250-253",
    157: "E2V-CCD250-194",
    158: "E2V-CCD250-231",
    159: "E2V-CCD250-224",
    160: "E2V-CCD250-189",
    161: "E2V-CCD250-134",
    173: "ITL-3800C-327",
}
"""Serial numbers of LSSTCam detectors that old camera definitions have wrong."""


def correct_serial(serial: str, detector: int | None, instrument: str | None) -> str:
    """Replace the serial number of an LSSTCam detector if an old camera definition has it wrong.

    Parameters
    ----------
    serial
        The serial number.
    detector
        Number of the detector.
    instrument
        Name of the instrument.

    Returns
    -------
    serial
        The right serial number.

    Warns
    -----
    LossyConversionWarning
        If the serial number is replaced.
    """
    right = LSSTCAM_SERIALS.get(-1 if detector is None else detector) if instrument == "LSSTCam" else None
    if right is None or serial == right:
        return serial
    warnings.warn(
        f"The serial number {serial} of LSSTCam detector {detector} is wrong; it is replaced by {right}.",
        LossyConversionWarning,
        stacklevel=2,
    )
    return right
