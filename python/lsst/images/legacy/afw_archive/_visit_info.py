# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Observation metadata of an exposure (``VisitInfo``), from tables or header cards."""

from __future__ import annotations

__all__ = ("LegacyVisitInfo", "decode_visit_info", "visit_info_from_cards")

import dataclasses
import math
from typing import Any

import numpy as np

from ...errors import CorruptArchiveError, SchemaVersionError
from ...fits import Cards
from ...utils import short_repr
from ._entries import LegacyEntry
from ._reader import LegacyArchive
from ._rows import LegacyRow, LegacyRows

MAX_VERSION = 5
"""Latest supported version of the table."""

ROTATION_TYPES = ("UNKNOWN", "SKY", "HORIZON", "MOUNT")

NO_TIME = -(2**63)
"""Value of an unknown time, in nanoseconds."""


@dataclasses.dataclass(frozen=True)
class LegacyVisitInfo:
    """Observation metadata of an exposure; unknown numbers are NaN, unknown texts are empty.

    Parameters
    ----------
    exposure_time, dark_time
        Seconds.
    tai_ns
        Middle of the exposure, nanoseconds of TAI since 1970, or `None`.
    ut1_mjd
        Middle of the exposure, modified Julian date in UT1.
    era
        Earth rotation angle, degrees.
    boresight_ra, boresight_dec, boresight_az, boresight_alt
        Pointing of the telescope, degrees.
    boresight_airmass
        Air mass of the pointing.
    boresight_rotation_angle
        Rotation angle in degrees; ``rotation_type`` defines its zero.
    rotation_type
        ``UNKNOWN``, ``SKY``, ``HORIZON`` or ``MOUNT``.
    longitude, latitude, elevation
        Position of the observatory: degrees, positive to the east, and
        metres.
    air_temperature, air_pressure, humidity
        Degrees Celsius, pascals, per cent.
    instrument_label
        Name of the instrument.
    id
        Identifier of the exposure, or `None`.
    focus_z
        Millimetres.
    observation_type, science_program, observation_reason, object
        Type, program, reason and target of the observation.
    has_simulated_content
        Whether any part is simulated; `None` if unknown.
    """

    exposure_time: float = math.nan
    dark_time: float = math.nan
    tai_ns: int | None = None
    ut1_mjd: float = math.nan
    era: float = math.nan
    boresight_ra: float = math.nan
    boresight_dec: float = math.nan
    boresight_az: float = math.nan
    boresight_alt: float = math.nan
    boresight_airmass: float = math.nan
    boresight_rotation_angle: float = math.nan
    rotation_type: str = "UNKNOWN"
    longitude: float = math.nan
    latitude: float = math.nan
    elevation: float = math.nan
    air_temperature: float = math.nan
    air_pressure: float = math.nan
    humidity: float = math.nan
    instrument_label: str = ""
    id: int | None = None
    focus_z: float = math.nan
    observation_type: str = ""
    science_program: str = ""
    observation_reason: str = ""
    object: str = ""
    has_simulated_content: bool | None = None

    @property
    def date(self) -> Any:
        """Middle of the exposure (`astropy.time.Time`, TAI), or `None`."""
        if self.tai_ns is None:
            return None
        import astropy.time

        days, rest = divmod(self.tai_ns, 86_400_000_000_000)
        return astropy.time.Time(days + MJD_1970, rest / 86_400e9, format="mjd", scale="tai")


MJD_1970 = 40587
"""Modified Julian date of 1970-01-01."""

_NUMBERS = {
    "exposure_time": ("exposuretime", "EXPTIME"),
    "dark_time": ("darktime", "DARKTIME"),
    "ut1_mjd": ("ut1", "MJD-AVG-UT1"),
    "boresight_airmass": ("boresightairmass", "BORE-AIRMASS"),
    "elevation": ("elevation", "OBS-ELEV"),
    "air_temperature": ("airtemperature", "AIRTEMP"),
    "air_pressure": ("airpressure", "AIRPRESS"),
    "humidity": ("humidity", "HUMIDITY"),
    "focus_z": ("focusz", "FOCUSZ"),
}
"""Column and card of each number, by name of the attribute."""

_ANGLES = {
    "era": ("era", "AVG-ERA"),
    "boresight_ra": ("boresightradec_ra", "BORE-RA"),
    "boresight_dec": ("boresightradec_dec", "BORE-DEC"),
    "boresight_az": ("boresightazalt_az", "BORE-AZ"),
    "boresight_alt": ("boresightazalt_alt", "BORE-ALT"),
    "boresight_rotation_angle": ("boresightrotangle", "BORE-ROTANG"),
    "longitude": ("longitude", "OBS-LONG"),
    "latitude": ("latitude", "OBS-LAT"),
}
"""Column and card of each angle: radians in tables, degrees in headers."""

_TEXTS = {
    "instrument_label": ("instrumentlabel", "INSTRUMENT"),
    "observation_type": ("observationType", "OBSTYPE"),
    "science_program": ("scienceProgram", "PROGRAM"),
    "observation_reason": ("observationReason", "REASON"),
    "object": ("object", "OBJECT"),
}


def decode_visit_info(
    archive: LegacyArchive, entry: LegacyEntry, tables: tuple[LegacyRows, ...]
) -> LegacyVisitInfo:
    """Decode a ``VisitInfo`` of any version.

    Parameters
    ----------
    archive, entry, tables
        See `LegacyDecoder`.
    """
    row = tables[0].one()
    version = row.integer("version", 0)
    if not 0 <= version <= MAX_VERSION:
        raise SchemaVersionError(
            f"the visit information has version {version}; this release reads up to version {MAX_VERSION}"
        )
    values: dict[str, Any] = {name: row.number(c, math.nan) for name, (c, _) in _NUMBERS.items()}
    values |= {name: math.degrees(_angle(row, column)) for name, (column, _) in _ANGLES.items()}
    values |= {name: row.text(column, "") for name, (column, _) in _TEXTS.items()}
    tai = row.integer("tai")
    rotation = row.integer("rottype", 0)
    if not 0 <= rotation < len(ROTATION_TYPES):
        raise CorruptArchiveError(f"{rotation} is not a valid rotation type; expected 0 to 3")
    known_simulated = "hasSimulatedContent" in row.table.flag_bits
    return LegacyVisitInfo(
        tai_ns=None if tai == NO_TIME else tai,
        rotation_type=ROTATION_TYPES[rotation],
        id=row.integer("idnum") if "idnum" in row else None,
        has_simulated_content=row.flag("hasSimulatedContent") if known_simulated else None,
        **values,
    )


def _angle(row: LegacyRow, column: str) -> float:
    if column in row:
        return row.number(column)
    name, _, axis = column.rpartition("_")
    if name and name in row:
        pair = row.point(name)
        return pair.x if axis in ("ra", "az") else pair.y
    return math.nan


def visit_info_from_cards(cards: Cards) -> LegacyVisitInfo | None:
    """Create visit information from the primary header of an exposure.

    Parameters
    ----------
    cards
        The primary header.

    Returns
    -------
    visit_info
        `None` if the header does not have any of the cards.

    Raises
    ------
    CorruptArchiveError
        If the date is malformed, or not in TAI.
    """
    values: dict[str, Any] = {}
    for name, (_, keyword) in (_NUMBERS | _ANGLES).items():
        value = cards.get(keyword)
        if isinstance(value, int | float) and not isinstance(value, bool):
            values[name] = float(value)
    for name, (_, keyword) in _TEXTS.items():
        value = cards.get(keyword)
        if isinstance(value, str):
            values[name] = value
    values |= _odd_cards(cards)
    if (tai := _date(cards)) is not None:
        values["tai_ns"] = tai
    # Every raw header has the text cards, so they alone are not visit information.
    return LegacyVisitInfo(**values) if values.keys() - set(_TEXTS) else None


def _odd_cards(cards: Cards) -> dict[str, Any]:
    values: dict[str, Any] = {}
    rotation = cards.get("ROTTYPE")
    if isinstance(rotation, str) and rotation.strip().upper() in ROTATION_TYPES:
        values["rotation_type"] = rotation.strip().upper()
    if type(number := cards.get("IDNUM")) is int:
        values["id"] = number
    if isinstance(simulated := cards.get("HAS-SIMULATED-CONTENT"), bool):
        values["has_simulated_content"] = simulated
    return values


def _date(cards: Cards) -> int | None:
    """Read the middle of the exposure in nanoseconds of TAI since 1970."""
    text, old = cards.get("DATE-AVG"), cards.get("TIME-MID")
    if isinstance(text, str):
        system = str(cards.get("TIMESYS", "")).strip().upper()
        if system != "TAI":
            # afw writes TAI only, so this is the card of a raw image.
            if isinstance(cards.get("BORE-RA"), float):
                raise CorruptArchiveError(
                    f"DATE-AVG = {short_repr(text)} is in the time system {short_repr(system)}; expected TAI."
                )
            return None
        return _nanoseconds(text)
    if isinstance(old, str):
        return _utc_to_tai(_nanoseconds(old.strip().removesuffix("Z")))
    return None


def _nanoseconds(text: str) -> int:
    try:
        date = np.datetime64(text.strip(), "ns")
    except ValueError as err:
        raise CorruptArchiveError(f"{short_repr(text)} is not a valid date: {err}.") from err
    if np.isnat(date):
        raise CorruptArchiveError(f"{short_repr(text)} is not a valid date.")
    return int(date.astype(np.int64))


def _utc_to_tai(nanoseconds: int) -> int:
    import astropy.time

    days, rest = divmod(nanoseconds, 86_400_000_000_000)
    utc = astropy.time.Time(days + MJD_1970, rest / 86_400e9, format="mjd", scale="utc")
    tai = utc.tai
    offset = (tai.jd1 - utc.jd1) + (tai.jd2 - utc.jd2)
    return nanoseconds + round(float(offset) * 86_400e9)
