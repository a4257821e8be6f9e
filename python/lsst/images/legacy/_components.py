# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""How each component of a visit image is converted from and to `lsst.afw`."""

from __future__ import annotations

__all__ = (
    "LEGACY_COMPONENTS",
    "ConversionSource",
    "FixedSource",
    "LegacyComponent",
    "LiveConversion",
    "legacy_components_of",
)

import dataclasses
import warnings
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol

import astropy.units as u

from .._components import Component, components_of
from .._exposures import ObservationSummaryStats, VisitImage
from .._geom import Bounds, Polygon
from ..errors import LossyConversionWarning
from ..serialization._deferred import is_deferred
from ._convert_detector import make_detector
from ._convert_fields import make_aperture_corrections
from ._convert_photo_calib import make_photo_calib_field
from ._convert_psf import make_psf
from ._convert_visit import make_bounds, make_summary_stats
from ._live_detector import detector_from, detector_to
from ._live_fields import (
    corrections_from,
    corrections_to,
    field_to,
    instrumental_unit_of,
    photo_calib_from,
    unscaled_to,
)
from ._live_geom import polygon_to
from ._live_kept import keep_live, kept_live
from ._live_modules import stack_module
from ._live_psf import psf_from, psf_to
from ._live_summary_stats import summary_stats_to
from ._serials import correct_serial
from .afw_archive import filter_label_from_cards, photo_calib_from_cards

if TYPE_CHECKING:
    from ..fits._cards import Cards


class ConversionSource(Protocol):
    """A file, catalog row or exposure, as the conversion of a component needs it."""

    @property
    def bounds(self) -> Bounds:
        """Pixels on which fields and PSFs are defined that have no region of their own."""

    @property
    def instrument(self) -> str:
        """Name of the instrument."""

    @property
    def visit(self) -> int | None:
        """Number of the visit."""

    @property
    def instrumental_unit(self) -> u.UnitBase:
        """Unit of the pixels to which the photometric calibration applies."""

    @property
    def pixel_unit(self) -> u.UnitBase | None:
        """Unit of the pixels, or `None` if it is unknown."""

    @property
    def is_calibrated(self) -> bool:
        """Whether the photometric calibration has been applied, or may have been: the unit is unknown."""


@dataclasses.dataclass(frozen=True)
class FixedSource:
    """A `ConversionSource` with given facts.

    Parameters
    ----------
    bounds, instrument, visit, instrumental_unit, pixel_unit, is_calibrated
        See `ConversionSource`.  By default, the unit of the pixels is unknown,
        and a scaling of 1 means that they are calibrated.
    """

    bounds: Bounds
    instrument: str
    visit: int | None = None
    instrumental_unit: u.UnitBase = u.electron
    pixel_unit: u.UnitBase | None = None
    is_calibrated: bool = True


@dataclasses.dataclass(frozen=True)
class LiveConversion:
    """How a component is converted from and to live exposures of `lsst.afw`.

    Parameters
    ----------
    get
        Called with an exposure; returns its object, or `None`.
    convert
        Called with that object and the source; returns the value.
    set
        Called with the ``ExposureInfo`` of an exposure, the value (or `None`)
        and the image; stores the converted value.
    """

    get: Callable[[Any], Any]
    convert: Callable[[Any, ConversionSource], Any]
    set: Callable[[Any, Any, VisitImage], None]


@dataclasses.dataclass(frozen=True, kw_only=True)
class LegacyComponent:
    """How a component is converted from and to `lsst.afw`.

    Parameters
    ----------
    archived
        Upper-case name of the component in the table archive of an exposure.
    decode
        Called with the archived record and the source; returns the value.
    column
        Name of the component in an exposure catalog; `None` if it has none.
    from_cards
        Called with the cards of the primary header of a file that does not
        archive the component; returns a record, or `None`.
    cards_before
        Version of exposures (``EXPINFO_V``) before which ``from_cards`` is
        used.
    live
        How the component is converted from and to live exposures; `None` if
        they do not have it.
    """

    archived: str
    decode: Callable[[Any, ConversionSource], Any]
    column: str | None = None
    from_cards: Callable[[Cards], Any] | None = None
    cards_before: int = 0
    live: LiveConversion | None = None


def _decode_detector(record: Any, source: ConversionSource) -> Any:
    serial = getattr(record, "serial", None)
    if serial is not None:
        serial = correct_serial(serial, record.id, source.instrument)
    return make_detector(record, instrument=source.instrument, visit=source.visit, serial=serial)


def _convert_detector(legacy: Any, source: ConversionSource) -> Any:
    serial = correct_serial(str(legacy.getSerial()), int(legacy.getId()), source.instrument)
    return detector_from(legacy, object, instrument=source.instrument, visit=source.visit, serial=serial)


def _set_psf(info: Any, psf: Any, image: VisitImage) -> None:
    if psf is not None:
        info.setPsf(psf_to(psf))


def _convert_photo_calib(calibration: Any, source: ConversionSource) -> Any:
    scaling = photo_calib_from(
        calibration, source.bounds, source.instrumental_unit, is_calibrated=source.is_calibrated
    )
    if scaling is not None:
        keep_live(scaling, (calibration, source.pixel_unit))
    elif calibration.getCalibrationErr() != 0.0:
        warnings.warn(
            "The uncertainty of the PhotoCalib of a calibrated image is not kept.",
            LossyConversionWarning,
            stacklevel=5,
        )
    return scaling


def _set_photo_calib(info: Any, scaling: Any, image: VisitImage) -> None:
    live, pixel_unit = kept_live(scaling) or (None, None)
    if live is not None and pixel_unit == image.unit:
        info.setPhotoCalib(live)
    elif image.unit is not None and image.unit.is_equivalent(u.nJy):
        info.setPhotoCalib(unscaled_to(image_unit=image.unit))
    elif scaling is not None:
        # The scaling indicates the unit of an image that does not have one.
        unit = instrumental_unit_of(scaling) if image.unit is None else image.unit
        info.setPhotoCalib(field_to(scaling, form="PhotoCalib", image_unit=unit))


def _set_bounds(info: Any, bounds: Any, image: VisitImage) -> None:
    if isinstance(bounds, Polygon):
        info.setValidPolygon(polygon_to(bounds))


def _set_filter(info: Any, band: Any, image: VisitImage) -> None:
    physical = None if is_deferred(image._obs_info) else image.physical_filter
    if band is not None or physical is not None:
        info.setFilter(stack_module("afw.image").FilterLabel(band=band, physical=physical))


def _convert_band(label: Any, source: ConversionSource) -> str | None:
    return str(label.bandLabel) if label.hasBandLabel() else None


LEGACY_COMPONENTS: dict[Component[Any], LegacyComponent] = {
    VisitImage.bounds: LegacyComponent(
        archived="VALID_POLYGON",
        column="valid_polygon",
        decode=lambda record, source: make_bounds(record),
        live=LiveConversion(
            get=lambda exposure: exposure.info.getValidPolygon(),
            convert=lambda polygon, source: Polygon.from_legacy(polygon),
            set=_set_bounds,
        ),
    ),
    VisitImage.band: LegacyComponent(
        archived="FILTER",
        decode=lambda label, source: label.band,
        from_cards=filter_label_from_cards,
        cards_before=2,
        live=LiveConversion(
            get=lambda exposure: exposure.info.getFilter(),
            convert=_convert_band,
            set=_set_filter,
        ),
    ),
    VisitImage.detector: LegacyComponent(
        archived="DETECTOR",
        column="detector",
        decode=_decode_detector,
        live=LiveConversion(
            get=lambda exposure: exposure.getDetector(),
            convert=_convert_detector,
            set=lambda info, detector, image: (
                None if detector is None else info.setDetector(detector_to(detector, is_raw_assembled=True))
            ),
        ),
    ),
    VisitImage.psf: LegacyComponent(
        archived="PSF",
        column="psf",
        decode=lambda record, source: make_psf(record, source.bounds),
        live=LiveConversion(
            get=lambda exposure: exposure.getPsf(),
            convert=lambda psf, source: psf_from(psf, object, bounds=source.bounds),
            set=_set_psf,
        ),
    ),
    VisitImage.photometric_scaling: LegacyComponent(
        archived="PHOTOCALIB",
        column="photo_calib",
        decode=lambda record, source: make_photo_calib_field(
            record, source.bounds, source.instrumental_unit, is_calibrated=source.is_calibrated
        ),
        from_cards=photo_calib_from_cards,
        cards_before=1,
        live=LiveConversion(
            get=lambda exposure: exposure.info.getPhotoCalib(),
            convert=_convert_photo_calib,
            set=_set_photo_calib,
        ),
    ),
    VisitImage.summary_stats: LegacyComponent(
        archived="SUMMARY_STATS",
        decode=lambda record, source: make_summary_stats(record),
        live=LiveConversion(
            get=lambda exposure: exposure.info.getSummaryStats(),
            convert=lambda stats, source: ObservationSummaryStats.from_legacy(stats),
            set=lambda info, stats, image: (
                None if stats is None else info.setSummaryStats(summary_stats_to(stats, allow_loss=True))
            ),
        ),
    ),
    VisitImage.aperture_corrections: LegacyComponent(
        archived="AP_CORR_MAP",
        column="ap_corr_map",
        decode=lambda record, source: make_aperture_corrections(record, source.bounds),
        live=LiveConversion(
            get=lambda exposure: exposure.info.getApCorrMap(),
            convert=lambda corrections, source: corrections_from(corrections, dict),
            set=lambda info, corrections, image: (
                info.setApCorrMap(corrections_to(corrections)) if corrections else None
            ),
        ),
    ),
}
"""Conversions by the declaration of the component."""


def legacy_components_of(pytype: type) -> dict[Component[Any], LegacyComponent]:
    """Return the conversions of the components of a type.

    Parameters
    ----------
    pytype
        Type of the image.

    Returns
    -------
    conversions
        Conversions by declaration; a component that `lsst.afw` does not have
        is left out.
    """
    return {
        declared: LEGACY_COMPONENTS[declared]
        for declared in components_of(pytype).values()
        if declared in LEGACY_COMPONENTS
    }
