# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Data IDs and records of Data Preview 2."""

from __future__ import annotations

__all__ = ("DP2_VISIT_DETECTOR_DATA_ID", "get_dp2_exposure_record")

from typing import TYPE_CHECKING

import astropy.units as u
from astropy.time import Time

if TYPE_CHECKING:
    from lsst.daf.butler import DimensionRecord, DimensionUniverse  # noqa: TID251  # types

DP2_VISIT_DETECTOR_DATA_ID = {
    "instrument": "LSSTCam",
    "visit": 2025052000177,
    "detector": 85,
    "day_obs": 20250520,
    "physical_filter": "r_57",
    "band": "r",
}
"""Data ID of a visit image."""


def get_dp2_exposure_record(universe: DimensionUniverse) -> DimensionRecord:
    """Return an exposure record that belongs to `DP2_VISIT_DETECTOR_DATA_ID`.

    Parameters
    ----------
    universe
        Dimensions of the Butler.

    Returns
    -------
    record
        The record.
    """
    from lsst.daf.butler import Timespan  # noqa: TID251  # optional

    begin = Time("2025-05-21T04:12:30", scale="tai", format="isot")
    return universe["exposure"].RecordClass(
        instrument=DP2_VISIT_DETECTOR_DATA_ID["instrument"],
        id=DP2_VISIT_DETECTOR_DATA_ID["visit"],
        day_obs=DP2_VISIT_DETECTOR_DATA_ID["day_obs"],
        physical_filter=DP2_VISIT_DETECTOR_DATA_ID["physical_filter"],
        group="2025-05-21T04:12:21.345",
        obs_id="MC_O_20250520_000177",
        exposure_time=30.0,
        dark_time=30.5,
        observation_type="science",
        observation_reason="object",
        seq_num=177,
        seq_start=177,
        seq_end=177,
        can_see_sky=True,
        has_simulated=False,
        timespan=Timespan(begin, begin + 30 * u.s),
    )
