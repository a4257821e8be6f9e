# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Visit images, converted from and to live exposures of `lsst.afw.image`."""

from __future__ import annotations

__all__ = ("visit_image_from", "visit_image_to")

import functools
import json
import warnings
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeAlias

import astropy.io.fits
import astropy.units as u
import numpy as np

from .._exposures import DifferenceImage, VisitImage
from .._geom import Box
from .._pixels import MaskedImage, MaskPlane
from .._pixels._legacy_planes import (
    get_legacy_difference_image_mask_planes,
    get_legacy_visit_image_mask_planes,
)
from .._transforms import DetectorFrame, Projection
from ..errors import (
    ArchiveReadError,
    DataIdMismatchError,
    LegacyConversionError,
    LossyConversionWarning,
    UnitMismatchError,
)
from ..fits import FitsOpaqueMetadata, suppress_fits_card_warnings
from ..serialization import attach, format_unit, parse_unit
from ..serialization._deferred import available
from ..utils import short_repr
from ._bunit import parse_legacy_bunit
from ._components import ConversionSource, LiveConversion, legacy_components_of
from ._convert_detector import UNKNOWN_INSTRUMENT
from ._convert_visit import complete_obs_info, make_obs_info, overrule_obs_info
from ._convert_wcs import PIXEL_FRAME
from ._exposure_record import apply_exposure_record, flat_obs_info
from ._live_kept import keep_live
from ._live_modules import message_of, stack_module
from ._live_pixels import masked_image_from, masked_image_to
from ._live_visit_info import visit_info_record, visit_info_to
from ._live_wcs import projection_from, projection_to
from ._obs_info import translate_header

if TYPE_CHECKING:
    from astro_metadata_translator import ObservationInfo

_DATA_ID = "LSST BUTLER DATAID "

PropertyValue: TypeAlias = bool | int | float | str | None
"""Value of a property list of `lsst.daf.base`."""


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
    exposure_record: Any = None,
) -> VisitImage:
    """Convert an exposure; image and variance planes share its memory.

    Parameters
    ----------
    legacy
        The afw object.
    pytype
        `VisitImage` or a subclass.
    unit
        Unit of the image; by default, that of its metadata.
    plane_map
        New planes by legacy name.
    instrument, visit
        Name of the instrument and number of the visit; by default, those of
        the exposure.
    exposure_record
        The ``exposure`` dimension record of the Butler; optional.
    """
    if not hasattr(legacy, "info") or not hasattr(legacy, "metadata"):
        raise LegacyConversionError(
            f"Cannot convert a {type(legacy).__name__} to a {pytype.__name__}: expected an afw exposure."
        )
    header = _header_of(legacy.metadata)
    unit = _unit_of(header, unit)
    planes = masked_image_from(
        legacy, MaskedImage, unit=unit, plane_map=plane_map, default_planes=_default_planes(pytype)
    )
    source = _ExposureSource(legacy, header, planes, instrument, visit, exposure_record)
    passthrough = FitsOpaqueMetadata()
    metadata = passthrough.extract_legacy_primary_header(header)
    if legacy.info.getId() is not None:
        metadata["id"] = int(legacy.info.getId())
    result: VisitImage = pytype._assemble(
        planes.image,
        planes.mask,
        planes.variance,
        metadata=metadata,
        components={
            "projection": _convert(legacy.getWcs(), lambda wcs: source.convert_wcs(wcs)),
            "obs_info": source.obs_info,
            **{
                declared.name: _convert(live.get(legacy), functools.partial(_convert_component, live, source))
                for declared, conversion in legacy_components_of(pytype).items()
                if (live := conversion.live) is not None
            },
        },
    )
    attach(result, passthrough=passthrough)
    return result


def _convert_component(live: LiveConversion, source: ConversionSource, legacy: Any) -> Any:
    return live.convert(legacy, source)


def _convert(legacy: Any, convert: Callable[[Any], Any]) -> Any:
    """Convert an object of an exposure; return the error if that fails."""
    if legacy is None:
        return None
    try:
        return convert(legacy)
    except ArchiveReadError as err:
        return err
    except Exception as err:
        # Exceptions of C++ derive from Exception only, and must not cost the other components.
        reason = ArchiveReadError(f"A {type(legacy).__name__} cannot be converted: {message_of(err)}")
        reason.__cause__ = err
        return reason


def _header_of(metadata: Any) -> astropy.io.fits.Header:
    """Make a FITS header of a property list."""
    header = astropy.io.fits.Header()
    if metadata is None:
        return header
    lost = []
    with suppress_fits_card_warnings(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for key, value in metadata.toDict().items():
            comment = metadata.getComment(key) if hasattr(metadata, "getComment") else ""
            # A property list has an array of the values of repeated cards.
            for item in value if isinstance(value, list | tuple) else [value]:
                try:
                    if key in ("COMMENT", "HISTORY"):
                        header.add_history(str(item)) if key == "HISTORY" else header.add_comment(str(item))
                    else:
                        keyword = key if len(key) <= 8 else f"HIERARCH {key}"
                        header.append((keyword, item, comment), end=True)
                except (ValueError, TypeError):
                    lost.append(key)
    if lost:
        warnings.warn(
            f"The metadata {sorted(set(lost))} of the exposure have values that a FITS header does not "
            "allow; these values are left out.",
            LossyConversionWarning,
            stacklevel=3,
        )
    return header


def _unit_of(header: astropy.io.fits.Header, given: u.UnitBase | None) -> u.UnitBase | None:
    text = header.pop("BUNIT", None)
    if not isinstance(text, str) or not text.strip():
        return given
    isr_unit = header.get("LSST ISR UNITS")
    unit = parse_legacy_bunit(text, u.electron if isr_unit == "electron" else None)
    if given is not None and given != unit:
        raise UnitMismatchError(f"BUNIT value {short_repr(text)} disagrees with given unit {given}.")
    return unit


def _instrumental_unit(header: astropy.io.fits.Header, unit: u.UnitBase | None) -> u.UnitBase:
    text = header.get("LSST ISR UNITS")
    if isinstance(text, str) and text.strip():
        return parse_unit(text.strip())
    return u.electron if unit is None or unit.is_equivalent(u.nJy) else unit


class _ExposureSource:
    """Facts about a live exposure that the conversion of its components needs."""

    def __init__(
        self,
        legacy: Any,
        header: astropy.io.fits.Header,
        planes: MaskedImage,
        instrument: str | None,
        visit: int | None,
        exposure_record: Any,
    ) -> None:
        info = _read_obs_info(legacy, header, instrument)
        if info is not None and exposure_record is not None:
            info = apply_exposure_record(info, exposure_record, source="the exposure")
        found = {
            "instrument": getattr(info, "instrument", None) or header.get(f"{_DATA_ID}INSTRUMENT"),
            "visit": getattr(info, "exposure_id", None),
        }
        if found["visit"] is None:
            found["visit"] = header.get(f"{_DATA_ID}VISIT")
        for name, given in (("instrument", instrument), ("visit", visit)):
            if given is not None and found[name] is not None and found[name] != given:
                raise DataIdMismatchError(
                    f"{name}={short_repr(given)} does not match the exposure, whose {name} is "
                    f"{short_repr(found[name])}."
                )
            found[name] = found[name] if given is None else given
        self.instrument = str(found["instrument"] or UNKNOWN_INSTRUMENT)
        self.visit = None if found["visit"] is None else int(found["visit"])
        self.pixel_unit = planes.unit
        self.instrumental_unit = _instrumental_unit(header, planes.unit)
        self.is_calibrated = planes.unit is not None and planes.unit.is_equivalent(u.nJy)
        detector = legacy.getDetector()
        self._bbox = None if detector is None else Box.from_legacy(detector.getBBox())
        self._detector_id = None if detector is None else int(detector.getId())
        self.bounds = planes.bbox if self._bbox is None else self._bbox
        self.obs_info = None if info is None else _complete(info, legacy)

    def convert_wcs(self, wcs: Any) -> Projection[Any]:
        """Convert the WCS.

        Parameters
        ----------
        wcs
            The ``SkyWcs``.
        """
        frame: Any = PIXEL_FRAME
        if self._bbox is not None and self._detector_id is not None:
            frame = DetectorFrame(
                instrument=self.instrument, visit=self.visit, detector=self._detector_id, bbox=self._bbox
            )
        return projection_from(wcs, Projection, pixel_frame=frame, pixel_bounds=self._bbox)


def _read_obs_info(legacy: Any, header: Any, instrument: str | None) -> ObservationInfo | None:
    if (embedded := flat_obs_info(header)) is not None:
        return embedded
    found = translate_header(header, "an lsst.afw exposure")
    visit_info = legacy.info.getVisitInfo()
    if visit_info is None:
        return found
    record = visit_info_record(visit_info)
    if found is not None:
        return overrule_obs_info(found, record)
    return make_obs_info(record, instrument or header.get(f"{_DATA_ID}INSTRUMENT"))


def _complete(info: ObservationInfo, legacy: Any) -> ObservationInfo | ArchiveReadError:
    """Add the properties that other components have, or return the error if they contradict."""
    try:
        completed = complete_obs_info(info, _known_facts(legacy))
    except ArchiveReadError as err:
        return err
    if (visit_info := legacy.info.getVisitInfo()) is not None:
        keep_live(completed, visit_info)
    return completed


def _known_facts(legacy: Any) -> dict[str, Any]:
    """Return properties of the observation that the filter label and the detector have."""
    label, detector = legacy.info.getFilter(), legacy.getDetector()
    return {
        "physical_filter": str(label.physicalLabel)
        if label is not None and label.hasPhysicalLabel()
        else None,
        "detector_num": None if detector is None else int(detector.getId()),
        "detector_unique_name": None if detector is None else str(detector.getName()),
    }


def visit_image_to(
    obj: VisitImage, *, copy: bool | None = None, plane_map: Mapping[str, MaskPlane] | None = None
) -> Any:
    """Convert to an exposure.

    Parameters
    ----------
    obj
        The visit image.
    copy
        Whether to copy pixels; `None`: only if afw cannot share them.
    plane_map
        New planes by legacy name.

    Notes
    -----
    PSFs of types that afw does not have, and components that cannot be read
    or converted, are left out with a `LossyConversionWarning`; so are
    components for which an exposure has no place.
    """
    planes = _default_planes(type(obj)) if plane_map is None else plane_map
    masked_image = masked_image_to(obj, copy=copy, plane_map=planes)
    image = stack_module("afw.image")
    exposure = image.Exposure(masked_image, dtype=masked_image.image.array.dtype)
    info = exposure.info
    number = obj.metadata.native.get("id")
    if isinstance(number, int):
        info.setId(number)
    _set("projection", obj._projection_or_deferred, lambda value: info.setWcs(_if_any(projection_to, value)))
    for declared, conversion in legacy_components_of(type(obj)).items():
        if (live := conversion.live) is not None:
            setter = functools.partial(_set_component, live, info, obj)
            _set(declared.name, declared.stored(obj), setter)
    _set("obs_info", obj._obs_info, lambda value: info.setVisitInfo(_if_any(visit_info_to, value)))
    exposure.setMetadata(_metadata_of(obj))
    return exposure


def _if_any(convert: Callable[[Any], Any], value: Any) -> Any:
    return None if value is None else convert(value)


def _set_component(live: LiveConversion, info: Any, obj: VisitImage, value: Any) -> None:
    live.set(info, value, obj)


def _set(name: str, value: Any, convert: Callable[[Any], None]) -> None:
    """Set a component of an exposure; leave it out with a warning if it cannot be converted."""
    try:
        convert(available(value))
    except Exception as err:
        warnings.warn(
            f"The exposure has no {name}, which cannot be converted to lsst.afw: {message_of(err)}",
            LossyConversionWarning,
            stacklevel=5,
        )


def _metadata_of(obj: VisitImage) -> Any:
    """Make the metadata: passthrough cards, the unit, and the metadata of the image."""
    metadata = stack_module("daf.base").PropertyList()
    passthrough = FitsOpaqueMetadata.from_passthrough(obj._attachments.passthrough)
    header = None if passthrough is None else next(iter(_primary(passthrough)), None)
    cards: dict[str, list[astropy.io.fits.Card]] = {}
    for card in header.cards if header is not None else ():
        if card.keyword not in ("COMMENT", "HISTORY", "", "EXPINFO_V"):
            cards.setdefault(card.keyword, []).append(card)
    for keyword, repeated in cards.items():
        # A property list has an array of the values of repeated cards.
        values = _of_one_type([_storable(card.value, keyword) for card in repeated])
        metadata.set(keyword, values if len(values) > 1 else values[0], repeated[0].comment)
    if header is not None:
        for keyword in ("COMMENT", "HISTORY"):
            if lines := [str(line) for line in header.get(keyword, [])]:
                metadata.set(keyword, lines)
    if obj.unit is not None:
        metadata.set("BUNIT", format_unit(obj.unit))
    own = {key: value for key, value in obj.metadata.native.items() if key != "id"}
    for number, (key, value) in enumerate(own.items(), start=1):
        metadata.set(f"LSST IMAGES KEY {number}", key)
        metadata.set(f"LSST IMAGES VALUE {number}", _storable(value, key))
    return metadata


def _storable(value: Any, key: str) -> PropertyValue:
    """Return a value that a property list can hold: a Python scalar, or `None` for an undefined card."""
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, astropy.io.fits.card.Undefined):
        return None
    if value is None or isinstance(value, bool | int | float | str):
        return value
    try:
        text = json.dumps(value, default=_to_json)
    except (TypeError, ValueError):
        text = str(value)
    warnings.warn(
        f"The value of {key!r}, of type {type(value).__name__}, is converted to text: a property list of "
        "lsst.afw has only numbers, strings and booleans.",
        LossyConversionWarning,
        stacklevel=4,
    )
    return text


def _to_json(value: Any) -> Any:
    if isinstance(value, u.Quantity):
        return {"value": value.value, "unit": format_unit(value.unit)}
    return value.tolist() if isinstance(value, np.ndarray | np.generic) else str(value)


def _of_one_type(values: list[PropertyValue]) -> list[PropertyValue]:
    """Convert the values of repeated cards to one type, as an array of a property list requires."""
    kinds = {type(value) for value in values}
    if len(kinds) == 1:
        return values
    if kinds == {int, float}:
        return [float(value) for value in values if isinstance(value, int | float)]
    return ["" if value is None else str(value) for value in values]


def _primary(passthrough: FitsOpaqueMetadata) -> list[astropy.io.fits.Header]:
    return [header for key, header in passthrough.headers.items() if not key.name]
