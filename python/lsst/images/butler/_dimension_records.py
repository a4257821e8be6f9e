# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Make dimension records from headers, for personal repositories.

Surveys register an instrument class and define visits from raw exposures.  In
a repository with calibrated files only, the headers of these are sufficient.
"""

from __future__ import annotations

__all__ = ("add_dimension_records",)

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from lsst.daf.butler import Butler, Timespan

from ..errors import InvalidArgumentError

if TYPE_CHECKING:
    from astro_metadata_translator import ObservationInfo

DEFAULT_MAX_ID = 2**31 - 1
"""Maximum visit, exposure and detector ID of an instrument without a class."""


def add_dimension_records(
    butler: Butler, data_id: Mapping[str, Any], obs_info: ObservationInfo | None, given: Mapping[str, Any]
) -> None:
    """Insert the dimension records that a data ID requires and that do not exist.

    Parameters
    ----------
    butler
        Writeable Butler.
    data_id
        Required dimensions and their values.
    obs_info
        Translated header.
    given
        Values given by the caller, for instance ``band``, which headers lack.

    Raises
    ------
    InvalidArgumentError
        If a value that a record requires is missing.
    """
    known = {**_facts(obs_info), **given, **data_id}
    for element, needed in _NEEDED.items():
        if element not in data_id and not (element in ("physical_filter", "day_obs") and "visit" in data_id):
            continue
        if butler.query_dimension_records(element, data_id=_key(element, known), explain=False, limit=1):
            continue
        if missing := [name for name in needed if known.get(name) is None]:
            raise InvalidArgumentError(
                f"A record of dimension {element!r} requires {missing}, which the header of {dict(data_id)} "
                f"lacks. Give them, as in data_id={{{missing[0]!r}: ...}}, or register the instrument."
            )
        butler.registry.insertDimensionData(element, _record(element, known), skip_existing=True)


_NEEDED = {
    "instrument": ("instrument",),
    "physical_filter": ("instrument", "physical_filter", "band"),
    "detector": ("instrument", "detector"),
    "day_obs": ("instrument", "day_obs"),
    "visit": ("instrument", "visit", "physical_filter", "day_obs"),
}
"""Values that the records of a dimension require, in the order of insertion."""


def _key(element: str, known: Mapping[str, Any]) -> dict[str, Any]:
    return {name: known[name] for name in {"instrument", element} if known.get(name) is not None}


def _facts(obs_info: ObservationInfo | None) -> dict[str, Any]:
    if obs_info is None:
        return {}
    begin, end = obs_info.datetime_begin, obs_info.datetime_end
    exposure_time = obs_info.exposure_time
    return {
        "instrument": obs_info.instrument,
        "physical_filter": obs_info.physical_filter,
        "detector_name": obs_info.detector_unique_name or obs_info.detector_name,
        "day_obs": obs_info.observing_day,
        "target_name": obs_info.object,
        "exposure_time": None if exposure_time is None else exposure_time.to_value("s"),
        "timespan": None if begin is None or end is None else Timespan(begin, end),
    }


def _record(element: str, known: Mapping[str, Any]) -> dict[str, Any]:
    record = {"instrument": known["instrument"]}
    if element == "instrument":
        largest = {f"{name}_max": DEFAULT_MAX_ID for name in ("visit", "exposure", "detector")}
        return {"name": known["instrument"], **largest}
    if element == "physical_filter":
        return {**record, "name": known["physical_filter"], "band": known["band"]}
    if element == "detector":
        name = known.get("detector_name") or str(known["detector"])
        return {**record, "id": known["detector"], "full_name": name}
    if element == "day_obs":
        return {**record, "id": known["day_obs"]}
    optional = ("target_name", "exposure_time", "timespan")
    return {
        **record,
        "id": known["visit"],
        "name": str(known["visit"]),
        "physical_filter": known["physical_filter"],
        "day_obs": known["day_obs"],
        **{name: known[name] for name in optional if known.get(name) is not None},
    }
