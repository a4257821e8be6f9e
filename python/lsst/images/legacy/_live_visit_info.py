# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Conversion of observation information from and to ``VisitInfo`` of `lsst.afw.image`."""

from __future__ import annotations

__all__ = ("visit_info_record", "visit_info_to")

import math
import warnings
from typing import TYPE_CHECKING, Any

import astropy.units as u

from ._live_kept import kept_live
from ._live_modules import stack_module
from .afw_archive._visit_info import LegacyVisitInfo

if TYPE_CHECKING:
    from astro_metadata_translator import ObservationInfo
    from astropy.time import Time


def visit_info_record(legacy: Any) -> LegacyVisitInfo:
    """Create a record from a ``VisitInfo``.

    Parameters
    ----------
    legacy
        The afw object.
    """
    date, place, weather = legacy.date, legacy.observatory, legacy.weather
    target, horizon = legacy.boresightRaDec, legacy.boresightAzAlt
    return LegacyVisitInfo(
        exposure_time=float(legacy.exposureTime),
        dark_time=float(legacy.darkTime),
        tai_ns=int(date.nsecs()) if date is not None and date.isValid() else None,
        ut1_mjd=float(legacy.ut1),
        era=float(legacy.era.asDegrees()),
        boresight_ra=float(target[0].asDegrees()),
        boresight_dec=float(target[1].asDegrees()),
        boresight_az=float(horizon[0].asDegrees()),
        boresight_alt=float(horizon[1].asDegrees()),
        boresight_airmass=float(legacy.boresightAirmass),
        boresight_rotation_angle=float(legacy.boresightRotAngle.asDegrees()),
        rotation_type=str(legacy.rotType.name),
        longitude=float(place.getLongitude().asDegrees()),
        latitude=float(place.getLatitude().asDegrees()),
        elevation=float(place.getElevation()),
        air_temperature=float(weather.getAirTemperature()),
        air_pressure=float(weather.getAirPressure()),
        humidity=float(weather.getHumidity()),
        instrument_label=str(legacy.instrumentLabel),
        id=int(legacy.id) or None,
        focus_z=float(legacy.focusZ),
        observation_type=str(legacy.observationType),
        science_program=str(legacy.scienceProgram),
        observation_reason=str(legacy.observationReason),
        object=str(legacy.object),
        has_simulated_content=bool(legacy.hasSimulatedContent),
    )


def visit_info_to(obj: ObservationInfo) -> Any:
    """Convert to a ``VisitInfo``.

    Parameters
    ----------
    obj
        The observation information.

    Returns
    -------
    visit_info
        The live object that ``obj`` was made from, if it was; otherwise a new
        one, whose Earth rotation angle and UT1 are those of the date.
    """
    if (live := kept_live(obj)) is not None:
        return live
    image, geom = stack_module("afw.image"), stack_module("geom")
    coord = stack_module("afw.coord")
    keywords: dict[str, Any] = {
        "exposureTime": _number(obj.exposure_time, u.s),
        "darkTime": _number(obj.dark_time, u.s),
        "boresightAirmass": math.nan if obj.boresight_airmass is None else float(obj.boresight_airmass),
        "boresightRotAngle": geom.Angle(_number(obj.boresight_rotation_angle, u.rad)),
        "rotType": getattr(image.RotType, (obj.boresight_rotation_coord or "unknown").upper()),
        "weather": coord.Weather(
            _celsius(obj.temperature), _number(obj.pressure, u.Pa), _plain(obj.relative_humidity)
        ),
        "instrumentLabel": obj.instrument or "",
        "id": obj.exposure_id or 0,
        "focusZ": _number(obj.focus_z, u.mm),
        "observationType": obj.observation_type or "",
        "scienceProgram": obj.science_program or "",
        "observationReason": obj.observation_reason or "",
        "object": obj.object or "",
        "hasSimulatedContent": bool(obj.has_simulated_content),
    }
    if obj.datetime_begin is not None and obj.datetime_end is not None:
        keywords |= _times(obj)
    if obj.tracking_radec is not None:
        target = obj.tracking_radec.icrs
        keywords["boresightRaDec"] = geom.SpherePoint(geom.Angle(target.ra.rad), geom.Angle(target.dec.rad))
    if obj.altaz_begin is not None:
        horizon = obj.altaz_begin
        keywords["boresightAzAlt"] = geom.SpherePoint(geom.Angle(horizon.az.rad), geom.Angle(horizon.alt.rad))
    if obj.location is not None:
        place = obj.location.to_geodetic()
        keywords["observatory"] = coord.Observatory(
            geom.Angle(float(place.lon.rad)),
            geom.Angle(float(place.lat.rad)),
            float(place.height.to_value(u.m)),
        )
    return image.VisitInfo(**keywords)


def _times(obj: ObservationInfo) -> dict[str, Any]:
    assert obj.datetime_begin is not None and obj.datetime_end is not None, "checked by the caller"
    middle = (obj.datetime_begin + 0.5 * (obj.datetime_end - obj.datetime_begin)).tai
    # Nanoseconds need the precision of two doubles.
    days = round(middle.jd1 - 2440587.5)
    rest = (middle.jd1 - 2440587.5 - days) + middle.jd2
    nanoseconds = days * 86_400_000_000_000 + round(rest * 86_400e9)
    time = stack_module("daf.base").DateTime
    return {"date": time(nanoseconds, time.TAI), **_earth_rotation(middle)}


def _earth_rotation(time: Time) -> dict[str, Any]:
    """Return UT1 and the Earth rotation angle, from which afw computes hour angles."""
    from astropy.utils import iers

    with warnings.catch_warnings():
        # Leap seconds are not known for the distant past and future.
        warnings.simplefilter("ignore")
        utc = time.utc
    # The bundled table, because a conversion must not download anything.
    offset, status = iers.IERS_A.open().ut1_utc(utc.jd1, utc.jd2, return_status=True)
    # Outside the table, UT1 differs from UTC by less than 0.9 s.
    utc.delta_ut1_utc = float(offset.to_value(u.s)) if int(status) >= 0 else 0.0
    angle = float(utc.earth_rotation_angle("tio").rad)
    return {"ut1": float(utc.ut1.mjd), "era": stack_module("geom").Angle(angle)}


def _number(value: Any, unit: u.UnitBase) -> float:
    return math.nan if value is None else float(value.to_value(unit))


def _plain(value: float | None) -> float:
    return math.nan if value is None else float(value)


def _celsius(value: Any) -> float:
    return math.nan if value is None else float(value.to_value(u.deg_C, equivalencies=u.temperature()))
