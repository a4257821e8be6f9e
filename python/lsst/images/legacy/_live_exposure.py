# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Visit images, and live exposures of `lsst.afw.image`."""

from __future__ import annotations

__all__ = ("statistics_to", "templates_from", "visit_image_from", "visit_image_to")

import dataclasses
import warnings
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import astropy.io.fits
import astropy.units as u

from .._exposures import DifferenceImage, ObservationSummaryStats, VisitImage
from .._exposures._summary_stats import _is_unset
from .._geom import Polygon
from .._pixels import MaskedImage, MaskPlane
from .._pixels._legacy_planes import (
    get_legacy_difference_image_mask_planes,
    get_legacy_visit_image_mask_planes,
)
from .._transforms import DetectorFrame, Projection
from ..cameras import Detector
from ..errors import (
    ArchiveReadError,
    DataIdMismatchError,
    ImagesError,
    LegacyConversionError,
    LegacyValueError,
    UnitMismatchError,
)
from ..fits import FitsOpaqueMetadata, suppress_fits_card_warnings
from ..serialization import attach, format_unit, parse_unit
from ._convert_detector import UNKNOWN_INSTRUMENT
from ._convert_visit import complete_obs_info, make_obs_info
from ._convert_wcs import PIXEL_FRAME
from ._live_camera import detector_from, detector_to
from ._live_fields import corrections_from, corrections_to, field_from, field_to, unscaled_to
from ._live_geom import polygon_to
from ._live_modules import stack_module
from ._live_pixels import masked_image_from, masked_image_to
from ._live_psf import psf_from, psf_to
from ._live_visit_info import visit_info_record, visit_info_to
from ._live_wcs import projection_from, projection_to
from ._obs_info import translate_header

if TYPE_CHECKING:
    from astro_metadata_translator import ObservationInfo

_DATA_ID = "LSST BUTLER DATAID "


def templates_from(legacy: Any, pytype: type, **options: Any) -> Any:
    """Refuse: what a template knows of its coadds is not told by afw.

    Parameters
    ----------
    legacy
        PSF of the template.
    pytype
        `DifferenceImageTemplateInfo`.
    **options
        See `DifferenceImageTemplateInfo.from_legacy`.

    Returns
    -------
    templates
        Never.

    Raises
    ------
    LegacyConversionError
        Always.
    """
    raise LegacyConversionError(
        f"The coadds of a template cannot be had from a live {type(legacy).__name__}; make "
        "DifferenceImageTemplateInfo objects of the inputs of the template."
    )


def _default_planes(pytype: type) -> dict[str, MaskPlane]:
    if issubclass(pytype, DifferenceImage):
        return get_legacy_difference_image_mask_planes()
    return get_legacy_visit_image_mask_planes()


def visit_image_from(
    legacy: Any,
    pytype: Any,
    *,
    unit: u.UnitBase | None = None,
    plane_map: Mapping[str, MaskPlane] | None = None,
    instrument: str | None = None,
    visit: int | None = None,
) -> VisitImage:
    """Convert an exposure; image and variance share their memory.

    Parameters
    ----------
    legacy
        The afw object.
    pytype
        `VisitImage` or a subclass.
    unit
        Unit of the image; by default the one of its metadata.
    plane_map
        New planes by legacy name.
    instrument, visit
        Name of the instrument and number of the visit; by default those that
        the exposure tells.
    """
    if not hasattr(legacy, "info") or not hasattr(legacy, "metadata"):
        raise LegacyConversionError(f"A {type(legacy).__name__} is no exposure of lsst.afw.")
    header = _header_of(legacy.metadata)
    unit = _unit_of(header, unit)
    planes = masked_image_from(
        legacy, MaskedImage, unit=unit, plane_map=plane_map, default_planes=_default_planes(pytype)
    )
    facts = _Facts(legacy, header, instrument, visit)
    info, detector = legacy.info, facts.detector
    bounds = planes.bbox if detector is None else detector.bbox
    passthrough = FitsOpaqueMetadata()
    metadata = passthrough.extract_legacy_primary_header(header)
    if info.getId() is not None:
        metadata["id"] = int(info.getId())

    def convert(value: Any, make: Callable[[Any], Any]) -> Any:
        return None if value is None else _attempt(make, value)

    result: VisitImage = pytype(
        planes.image,
        mask=planes.mask,
        variance=planes.variance,
        projection=convert(legacy.getWcs(), lambda wcs: facts.project(wcs)),
        bounds=convert(info.getValidPolygon(), Polygon.from_legacy),
        obs_info=facts.obs_info,
        summary_stats=convert(info.getSummaryStats(), ObservationSummaryStats.from_legacy),
        photometric_scaling=convert(
            info.getPhotoCalib(),
            lambda found: (
                field_from(
                    found, object, bounds=bounds, instrumental_unit=_instrumental_unit(header, unit)
                ).value
            ),
        ),
        psf=convert(legacy.getPsf(), lambda psf: psf_from(psf, object, bounds=bounds)),
        detector=detector,
        aperture_corrections=convert(info.getApCorrMap(), lambda found: corrections_from(found, dict)),
        band=facts.band,
        metadata=metadata,
        allow_missing=True,
    )
    attach(result, passthrough=passthrough)
    return result


def _attempt(make: Callable[[Any], Any], value: Any) -> Any:
    """Convert a part; what is wrong with it must not cost the rest."""
    try:
        return make(value)
    except ArchiveReadError as err:
        return err
    except ImagesError as err:
        reason = ArchiveReadError(f"A {type(value).__name__} cannot be converted: {err}")
        reason.__cause__ = err
        return reason


def _header_of(metadata: Any) -> astropy.io.fits.Header:
    """Make a FITS header of a property list."""
    header = astropy.io.fits.Header()
    if metadata is None:
        return header
    with suppress_fits_card_warnings(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for key, value in metadata.toDict().items():
            # Of repeated cards a property list makes an array.
            for item in value if isinstance(value, list | tuple) else [value]:
                try:
                    if key in ("COMMENT", "HISTORY"):
                        header.add_history(str(item)) if key == "HISTORY" else header.add_comment(str(item))
                    else:
                        header[key if len(key) <= 8 else f"HIERARCH {key}"] = item
                except (ValueError, TypeError):
                    continue
    return header


def _unit_of(header: astropy.io.fits.Header, given: u.UnitBase | None) -> u.UnitBase | None:
    text = header.pop("BUNIT", None)
    if not isinstance(text, str) or not text.strip():
        return given
    unit = parse_unit(text.strip())
    if header.get("LSST ISR UNITS") == "electron" and unit == u.adu:
        unit = u.electron
    if given is not None and given != unit:
        raise UnitMismatchError(f"BUNIT value {text!r} disagrees with given unit {given}.")
    return unit


def _instrumental_unit(header: astropy.io.fits.Header, unit: u.UnitBase | None) -> u.UnitBase:
    text = header.get("LSST ISR UNITS")
    if isinstance(text, str) and text.strip():
        return parse_unit(text.strip())
    return u.electron if unit is None or unit.is_equivalent(u.nJy) else unit


class _Facts:
    """Which observation a live exposure is of."""

    def __init__(
        self, legacy: Any, header: astropy.io.fits.Header, instrument: str | None, visit: int | None
    ) -> None:
        label = legacy.info.getFilter()
        self.band = str(label.bandLabel) if label is not None and label.hasBandLabel() else None
        physical = str(label.physicalLabel) if label is not None and label.hasPhysicalLabel() else None
        info = self._read_info(legacy, header, instrument)
        said = {
            "instrument": getattr(info, "instrument", None) or header.get(f"{_DATA_ID}INSTRUMENT"),
            "visit": getattr(info, "exposure_id", None),
        }
        if said["visit"] is None:
            said["visit"] = header.get(f"{_DATA_ID}VISIT")
        for name, given in (("instrument", instrument), ("visit", visit)):
            if given is not None and said[name] is not None and said[name] != given:
                raise DataIdMismatchError(f"{name}={given!r} does not match the exposure's {said[name]!r}.")
            said[name] = said[name] if given is None else given
        self.instrument = str(said["instrument"] or UNKNOWN_INSTRUMENT)
        self.visit = None if said["visit"] is None else int(said["visit"])
        self.detector = self._convert_detector(legacy.getDetector(), info)
        self.obs_info = None if info is None else complete_obs_info(info, self._known(physical))

    def _read_info(self, legacy: Any, header: Any, instrument: str | None) -> ObservationInfo | None:
        found = translate_header(header, "an lsst.afw exposure")
        visit_info = legacy.info.getVisitInfo()
        if found is not None or visit_info is None:
            return found
        return make_obs_info(visit_info_record(visit_info), instrument or header.get(f"{_DATA_ID}INSTRUMENT"))

    def _convert_detector(self, legacy: Any, info: ObservationInfo | None) -> Detector | None:
        if legacy is None:
            return None
        serial = getattr(info, "detector_serial", None)
        return detector_from(legacy, Detector, instrument=self.instrument, visit=self.visit, serial=serial)

    def _known(self, physical: str | None) -> dict[str, Any]:
        detector = self.detector
        return {
            "physical_filter": physical,
            "detector_num": None if detector is None else detector.id,
            "detector_unique_name": None if detector is None else detector.name,
        }

    def project(self, wcs: Any) -> Projection[Any]:
        """Convert the sky coordinates.

        Parameters
        ----------
        wcs
            The ``SkyWcs``.
        """
        frame: Any = PIXEL_FRAME
        bounds = None
        if self.detector is not None:
            frame, bounds = self.detector.frame, self.detector.bbox
            assert isinstance(frame, DetectorFrame), "that is what detectors have"
        return projection_from(wcs, Projection, pixel_frame=frame, pixel_bounds=bounds)


def visit_image_to(
    obj: VisitImage, *, copy: bool | None = None, plane_map: Mapping[str, MaskPlane] | None = None
) -> Any:
    """Convert to an exposure.

    Parameters
    ----------
    obj
        The visit image.
    copy
        Whether to copy pixels; `None`: if afw cannot share them.
    plane_map
        New planes by legacy name.

    Notes
    -----
    PSFs that afw does not have, and parts that could not be read, are left
    out; so are the kernel and the templates of a difference image.
    """
    planes = _default_planes(type(obj)) if plane_map is None else plane_map
    masked_image = masked_image_to(obj, copy=copy, plane_map=planes, keep_unknown=plane_map is None)
    image = stack_module("afw.image")
    exposure = image.Exposure(masked_image, dtype=masked_image.image.array.dtype)
    info = exposure.info
    parts = {name: _usable(part) for name, part in obj._component_values().items()}
    number = obj.metadata.get("id")
    if isinstance(number, int):
        info.setId(number)
    if (projection := _usable(obj._projection_or_deferred)) is not None:
        info.setWcs(projection_to(projection))
    if parts["detector"] is not None:
        info.setDetector(detector_to(parts["detector"], is_raw_assembled=True))
    obs_info = _usable(obj._obs_info)
    physical = None if obs_info is None else obs_info.physical_filter
    if obj.band is not None or physical is not None:
        info.setFilter(image.FilterLabel(band=obj.band, physical=physical))
    if (calibration := _calibration_of(obj, parts["photometric_scaling"])) is not None:
        info.setPhotoCalib(calibration)
    if isinstance(parts["bounds"], Polygon):
        info.setValidPolygon(polygon_to(parts["bounds"]))
    _set_rest(info, parts, obs_info)
    exposure.setMetadata(_metadata_of(obj))
    return exposure


def _set_rest(info: Any, parts: Mapping[str, Any], obs_info: Any) -> None:
    if parts["psf"] is not None:
        try:
            info.setPsf(psf_to(parts["psf"]))
        except LegacyConversionError:
            # There is no such PSF in afw.
            info.setPsf(None)
    if parts["aperture_corrections"]:
        info.setApCorrMap(corrections_to(parts["aperture_corrections"]))
    if parts["summary_stats"] is not None:
        info.setSummaryStats(statistics_to(parts["summary_stats"]))
    if obs_info is not None:
        info.setVisitInfo(visit_info_to(obs_info))


def _usable(part: Any) -> Any:
    """Return a part, or `None` if it could not be read."""
    return None if isinstance(part, ArchiveReadError) or hasattr(part, "reason") else part


def _calibration_of(obj: VisitImage, scaling: Any) -> Any:
    if obj.unit is None:
        return None
    if obj.unit.is_equivalent(u.nJy):
        return unscaled_to(image_unit=obj.unit)
    return None if scaling is None else field_to(scaling, form="PhotoCalib", image_unit=obj.unit)


def _metadata_of(obj: VisitImage) -> Any:
    """Make the metadata: cards that nobody understood, unit, and our own."""
    metadata = stack_module("daf.base").PropertyList()
    passthrough = FitsOpaqueMetadata.from_passthrough(obj._attachments.passthrough)
    header = None if passthrough is None else next(iter(_primary(passthrough)), None)
    for card in header.cards if header is not None else ():
        if card.keyword in ("COMMENT", "HISTORY", "") or card.value is None:
            continue
        metadata.set(card.keyword, card.value, card.comment)
    if header is not None:
        for keyword in ("COMMENT", "HISTORY"):
            if lines := [str(line) for line in header.get(keyword, [])]:
                metadata.set(keyword, lines)
    if obj.unit is not None:
        metadata.set("BUNIT", format_unit(obj.unit))
    own = {key: value for key, value in obj.metadata.items() if key != "id"}
    for number, (key, value) in enumerate(own.items(), start=1):
        metadata.set(f"LSST IMAGES KEY {number}", key)
        metadata.set(f"LSST IMAGES VALUE {number}", value)
    return metadata


def _primary(passthrough: FitsOpaqueMetadata) -> list[astropy.io.fits.Header]:
    return [header for key, header in passthrough.headers.items() if not key.name]


def statistics_to(obj: ObservationSummaryStats) -> Any:
    """Convert statistics.

    Parameters
    ----------
    obj
        The statistics.
    """
    kind = stack_module("afw.image").ExposureSummaryStats
    known = {item.name for item in dataclasses.fields(kind)}
    values = {}
    for name, value in obj.items():
        if name in known:
            values[name] = list(value) if isinstance(value, tuple) else value
        elif not _is_unset(value) and value != 0:
            raise LegacyValueError(
                f"Statistic {name!r} = {value!r} is not supported by this version of lsst.afw."
            )
    return kind(**values)
