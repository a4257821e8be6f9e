# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Observation information of a visit from its exposure record in the Butler, and from flat cards."""

from __future__ import annotations

__all__ = ("apply_exposure_record", "flat_obs_info", "obs_info_from_legacy", "read_flat_cards")

import logging
import warnings
from collections.abc import MutableMapping
from typing import TYPE_CHECKING, Any

import astropy.units as u

from ..errors import DataIdMismatchError, LegacyConversionError, LossyConversionWarning
from ..utils import short_repr
from ._convert_visit import make_obs_info
from ._live_visit_info import visit_info_record
from ._serials import correct_serial

if TYPE_CHECKING:
    from astro_metadata_translator import ObservationInfo

FLAT_PREFIX = "OBS_INFO"
FLAT = {"prefix": FLAT_PREFIX, "sep": " "}
"""Form of the keywords with which raw formatters store observation information in headers."""

_log = logging.getLogger("lsst.images")


def read_flat_cards(header: Any) -> ObservationInfo | None:
    """Read observation information that raw formatters stored in a header.

    Parameters
    ----------
    header
        The header; its cards ``OBS_INFO ...`` are not removed.

    Returns
    -------
    obs_info
        `None` if the header does not have the cards, or, with a warning, if they are invalid.
    """
    from astro_metadata_translator import ObservationInfo

    try:
        if not ObservationInfo.has_flat_dict(header, **FLAT):
            return None
        return ObservationInfo.from_flat_dict(header, **FLAT)
    except Exception as err:
        # The cards may have values of any type, and properties of newer releases.
        warnings.warn(
            f"The cards OBS_INFO of a header are invalid and ignored: {short_repr(err)}",
            LossyConversionWarning,
            stacklevel=2,
        )
        return None


def flat_obs_info(header: MutableMapping[str, Any]) -> ObservationInfo | None:
    """Take observation information out of a header.

    Parameters
    ----------
    header
        The header, from which the cards are removed.

    Returns
    -------
    obs_info
        `None` if the header does not have the cards.
    """
    found = read_flat_cards(header)
    if found is not None:
        type(found).strip_from_flat_dict(header, **FLAT)
    return found


def apply_exposure_record(obs_info: ObservationInfo, record: Any, *, source: str) -> ObservationInfo:
    """Set the properties that the Butler's record of an exposure has.

    Parameters
    ----------
    obs_info
        Observation information from a header or from a ``VisitInfo``.
    record
        The ``exposure`` dimension record.
    source
        Where ``obs_info`` is from, for messages.

    Returns
    -------
    obs_info
        A copy.

    Raises
    ------
    DataIdMismatchError
        If the instrument or the exposure differs from that of the record.
    """
    for name, found, expected in (
        ("instrument", obs_info.instrument, record.instrument),
        ("exposure", obs_info.exposure_id, record.id),
    ):
        if found and found != expected:
            raise DataIdMismatchError(
                f"The {name} {short_repr(found)} from {source} does not match the exposure record, which has "
                f"{short_repr(expected)}."
            )
    with obs_info.edit_copy() as copy:
        for name, value in _record_facts(record, obs_info).items():
            if value is not None:
                setattr(copy, name, value)
    return copy


def _record_facts(record: Any, obs_info: ObservationInfo) -> dict[str, Any]:
    from astropy.coordinates import AltAz

    begin, end = record.timespan.begin, record.timespan.end
    facts = {
        "instrument": record.instrument,
        "exposure_id": record.id,
        "visit_id": record.id,
        "datetime_begin": begin,
        "datetime_end": end,
        "observing_day": record.day_obs,
        "observation_id": record.obs_id,
        "exposure_group": record.group,
        "physical_filter": record.physical_filter,
        "exposure_time_requested": None if record.exposure_time is None else record.exposure_time * u.s,
        "observation_counter": record.seq_num,
        "group_counter_start": record.seq_start,
        "group_counter_end": record.seq_end,
        "can_see_sky": record.can_see_sky,
    }
    if record.azimuth is not None and record.zenith_angle is not None:
        facts["altaz_begin"] = AltAz(
            record.azimuth * u.deg,
            (90.0 - record.zenith_angle) * u.deg,
            obstime=begin,
            location=obs_info.location,
        )
    return facts


def obs_info_from_legacy(
    visit_info: Any,
    exposure_record: Any,
    detector: Any,
    *,
    detector_exposure_id: int | None,
    telescope: str | None = None,
    physical_filter: str | None = None,
    header: MutableMapping[str, Any] | None = None,
) -> ObservationInfo:
    """Make observation information of objects of `lsst.afw` and of the Butler.

    Parameters
    ----------
    visit_info
        The afw ``VisitInfo``.
    exposure_record
        The ``exposure`` dimension record; `None` leaves out what only it has, with a log message.
    detector
        The afw ``Detector``.
    detector_exposure_id
        Identifier of the exposure and the detector.
    telescope
        Name of the telescope.
    physical_filter
        Name of the filter, used without a record.
    header
        Header of the exposure.  Observation information in it, which raw formatters store, is
        returned unchanged, and its cards are removed from the header.

    Returns
    -------
    obs_info
        The observation information.

    Raises
    ------
    DataIdMismatchError
        If the instrument or the exposure of the record differs from that of ``visit_info`` or
        ``header``.
    LegacyConversionError
        If ``visit_info`` is `None` and the header does not have the information.
    """
    found = None if header is None else flat_obs_info(header)
    if found is not None:
        if exposure_record is not None and (found.instrument, found.exposure_id) != (
            exposure_record.instrument,
            exposure_record.id,
        ):
            raise DataIdMismatchError(
                f"The embedded ObservationInfo does not match: it is of {found.instrument} exposure "
                f"{found.exposure_id}, the record of {exposure_record.instrument} exposure "
                f"{exposure_record.id}."
            )
        return found
    if visit_info is None:
        raise LegacyConversionError("The exposure does not have a VisitInfo.")
    obs_info = make_obs_info(visit_info_record(visit_info))
    if exposure_record is None:
        _log.warning("Converting without an exposure dimension record; some properties stay unknown.")
    else:
        obs_info = apply_exposure_record(obs_info, exposure_record, source="VisitInfo")
    facts = {
        "telescope": telescope or "Unknown",
        "physical_filter": physical_filter if exposure_record is None else None,
        "detector_exposure_id": detector_exposure_id,
        **_detector_facts(detector, obs_info.instrument),
    }
    with obs_info.edit_copy() as copy:
        for name, value in facts.items():
            if value is not None:
                setattr(copy, name, value)
    return copy


def _detector_facts(detector: Any, instrument: str | None) -> dict[str, Any]:
    if detector is None:
        return {}
    number = int(detector.getId())
    return {
        "detector_num": number,
        "detector_unique_name": str(detector.getName()),
        "detector_serial": correct_serial(str(detector.getSerial()), number, instrument),
    }
