# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Conversion of archived metadata of a visit."""

from __future__ import annotations

__all__ = (
    "complete_obs_info",
    "make_bounds",
    "make_obs_info",
    "make_summary_stats",
    "overrule_obs_info",
)

import math
import warnings
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import astropy.units as u

from .._exposures import ObservationSummaryStats
from .._geom import Bounds, Polygon
from ..errors import ArchiveReadError, CorruptArchiveError, ImagesError, LossyConversionWarning
from ..utils import short_repr
from ._decoded import LegacyContext, LegacyConvertible, finish, unknown_class
from .afw_archive._misc import LegacyPolygon, LegacySummaryStats
from .afw_archive._visit_info import LegacyVisitInfo

if TYPE_CHECKING:
    from astro_metadata_translator import ObservationInfo


def make_summary_stats(record: Any) -> ObservationSummaryStats:
    """Convert archived summary statistics.

    Parameters
    ----------
    record
        What the decoder returned.  Unknown statistics are omitted with a
        warning.

    Raises
    ------
    ArchiveReadError
        If the class is not supported, or a value is not a number.
    """
    what = "the summary statistics"
    finished = finish(record, ObservationSummaryStats, what, LegacyContext())
    if finished is not None:
        return finished
    if not isinstance(record, LegacySummaryStats):
        raise unknown_class(record, ObservationSummaryStats, what)
    known = ObservationSummaryStats.statistics()
    values = {name: value for name, value in record.items() if name in known}
    unknown = [
        name
        for name, value in record.items()
        if name not in known and name != "version" and not _is_unset(value)
    ]
    if unknown:
        warnings.warn(
            f"The archived statistics {unknown} are not supported; they are omitted.",
            LossyConversionWarning,
            stacklevel=2,
        )
    try:
        return ObservationSummaryStats.from_mapping(values)
    except (TypeError, ValueError) as err:
        raise CorruptArchiveError(f"The archived statistics are malformed: {err}") from err


def _is_unset(value: Any) -> bool:
    return all(map(_is_unset, value)) if isinstance(value, tuple) else bool(value == 0 or math.isnan(value))


def make_bounds(record: Any) -> Bounds:
    """Convert an archived ``Polygon`` of valid pixels.

    Parameters
    ----------
    record
        What the decoder returned.

    Raises
    ------
    ArchiveReadError
        If the class is not supported, or the polygon is invalid.
    """
    if isinstance(record, Bounds):
        return record
    if isinstance(record, LegacyConvertible):
        record = record.convert_from_archive(LegacyContext())
        if isinstance(record, Bounds):
            return record
    if not isinstance(record, LegacyPolygon):
        raise unknown_class(record, Polygon, "the valid polygon")
    try:
        return record.polygon
    except ImagesError as err:
        raise CorruptArchiveError(f"The archived polygon is invalid: {err}") from err


def make_obs_info(record: LegacyVisitInfo, instrument: str | None = None) -> ObservationInfo:
    """Convert a ``VisitInfo`` to observation information.

    Parameters
    ----------
    record
        What the decoder returned.
    instrument
        Name of the instrument if the record does not have it.

    Returns
    -------
    obs_info
        Unknown properties are `None`.

    Notes
    -----
    Begin and end are computed from the middle of the exposure; the pointing at
    the middle is used for the begin.
    """
    from astro_metadata_translator import ObservationInfo

    return ObservationInfo(
        **{key: value for key, value in _facts(record, instrument).items() if value is not None}
    )


def overrule_obs_info(obs_info: ObservationInfo, record: LegacyVisitInfo) -> ObservationInfo:
    """Replace the values of observation information that contradict those of `lsst.afw`.

    Parameters
    ----------
    obs_info
        Translation of a header.
    record
        The record, which takes precedence because afw removes from the header
        the cards that it made the record from.

    Returns
    -------
    obs_info
        A copy.  Values of the header that agree with the record are kept,
        because the record is derived from them; so are the names by which
        data IDs refer to the observation, and the times of the header if
        their mean is the time of the record.
    """
    facts = {name: value for name, value in _facts(record, None).items() if value is not None}
    if obs_info.instrument is not None:
        facts.pop("instrument", None)
    if obs_info.visit_id is not None:
        facts.pop("visit_id", None)
    if facts.get("boresight_rotation_coord") == "unknown" and obs_info.boresight_rotation_coord is not None:
        del facts["boresight_rotation_coord"]
    begin, end = obs_info.datetime_begin, obs_info.datetime_end
    if record.date is not None and begin is not None and end is not None:
        middle = begin + 0.5 * (end - begin)
        if abs((middle - record.date).to_value(u.s)) < TIME_TOLERANCE:
            del facts["datetime_begin"], facts["datetime_end"]
    with obs_info.edit_copy() as copy:
        for name, value in facts.items():
            if not _agree(getattr(obs_info, name), value):
                setattr(copy, name, value)
    return copy


TIME_TOLERANCE = 1e-3
"""Difference between times, in seconds, that is due to rounding in a header."""

TOLERANCE = 1e-9
"""Relative difference between numbers, and difference between directions in
radians, that is due to the conversion of units."""


def _agree(first: Any, second: Any) -> bool:
    """Return whether two values of one property are equal but for rounding."""
    from astropy.coordinates import AltAz, EarthLocation, SkyCoord

    if first is None:
        return False
    if isinstance(second, SkyCoord):
        return bool(first.icrs.separation(second).rad < TOLERANCE)
    if isinstance(second, AltAz):
        # Frames with different times cannot be compared otherwise.
        angles = ((first.az - second.az).wrap_at("180d"), first.alt - second.alt)
        return all(abs(angle.rad) < TOLERANCE for angle in angles)
    if isinstance(second, EarthLocation):
        offsets = [getattr(first, axis) - getattr(second, axis) for axis in "xyz"]
        return all(abs(offset.to_value(u.mm)) < 1.0 for offset in offsets)
    if isinstance(second, u.Quantity):
        return math.isclose(first.to_value(second.unit), second.value, rel_tol=TOLERANCE, abs_tol=TOLERANCE)
    if isinstance(second, float) and isinstance(first, int | float):
        return math.isclose(first, second, rel_tol=TOLERANCE)
    return bool(first == second)


def _facts(record: LegacyVisitInfo, instrument: str | None) -> dict[str, Any]:
    from astropy.coordinates import Angle, SkyCoord

    has_target = _is_direction(record.boresight_ra, record.boresight_dec)
    return {
        "instrument": record.instrument_label or instrument,
        "exposure_id": record.id,
        "visit_id": record.id,
        **_times(record),
        "exposure_time": _quantity(record.exposure_time, u.s),
        "dark_time": _quantity(record.dark_time, u.s),
        "boresight_airmass": record.boresight_airmass if _is_known(record.boresight_airmass) else None,
        "boresight_rotation_angle": Angle(record.boresight_rotation_angle, u.deg)
        if _is_known(record.boresight_rotation_angle)
        else None,
        "boresight_rotation_coord": record.rotation_type.lower(),
        "tracking_radec": SkyCoord(record.boresight_ra, record.boresight_dec, unit="deg", frame="icrs")
        if has_target
        else None,
        **_place(record),
        "temperature": None
        if (temperature := _quantity(record.air_temperature, u.deg_C)) is None
        else temperature.to(u.K, equivalencies=u.temperature()),
        "pressure": _quantity(record.air_pressure, u.Pa),
        "relative_humidity": record.humidity if _is_known(record.humidity) else None,
        "focus_z": _quantity(record.focus_z, u.mm),
        "observation_type": record.observation_type or None,
        "science_program": record.science_program or None,
        "observation_reason": record.observation_reason or None,
        "object": record.object or None,
        "has_simulated_content": record.has_simulated_content,
    }


def _is_known(*values: float) -> bool:
    return all(map(math.isfinite, values))


def _is_direction(longitude: float, latitude: float) -> bool:
    # Files of tests have invalid latitudes.
    return _is_known(longitude, latitude) and abs(latitude) <= 90.0


def _quantity(value: float, unit: u.UnitBase) -> u.Quantity | None:
    return value * unit if _is_known(value) else None


def _times(record: LegacyVisitInfo) -> dict[str, Any]:
    date = record.date
    if date is None:
        return {}
    half = 0.5 * record.exposure_time * u.s if _is_known(record.exposure_time) else 0.0 * u.s
    return {"datetime_begin": date - half, "datetime_end": date + half}


def _place(record: LegacyVisitInfo) -> dict[str, Any]:
    from astropy.coordinates import AltAz, EarthLocation

    places: dict[str, Any] = {}
    if _is_direction(record.longitude, record.latitude):
        elevation = record.elevation if _is_known(record.elevation) else 0.0
        places["location"] = EarthLocation.from_geodetic(
            record.longitude * u.deg, record.latitude * u.deg, elevation * u.m
        )
    if _is_direction(record.boresight_az, record.boresight_alt):
        places["altaz_begin"] = AltAz(
            record.boresight_az * u.deg,
            record.boresight_alt * u.deg,
            obstime=record.date,
            location=places.get("location"),
        )
    return places


def complete_obs_info(obs_info: ObservationInfo, facts: Mapping[str, Any]) -> ObservationInfo:
    """Add values from other parts of the file to observation information.

    Parameters
    ----------
    obs_info
        Observation information from the header.
    facts
        Values of properties by name; `None` is ignored.

    Returns
    -------
    obs_info
        A copy.

    Raises
    ------
    ArchiveReadError
        If the header has another value.
    """
    facts = {name: value for name, value in facts.items() if value is not None}
    for name, value in facts.items():
        current = getattr(obs_info, name)
        if current is not None and current != value:
            raise ArchiveReadError(
                f"The file is inconsistent: the header has {name}={short_repr(current)}, the archive has "
                f"{short_repr(value)}."
            )
    with obs_info.edit_copy() as copy:
        for name, value in facts.items():
            setattr(copy, name, value)
    return copy
