# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Reader of exposures of `lsst.afw` as visit or difference images."""

from __future__ import annotations

__all__ = ("LegacyVisitReader", "attempt")

import functools
import warnings
from collections.abc import Callable
from typing import Any, cast

import astropy.units as u

from .._components import Component
from .._exposures import DifferenceImage, VisitImage
from .._exposures._validity import clip_bounds
from .._geom import Box, Interval
from .._pixels._legacy_planes import (
    get_legacy_difference_image_mask_planes,
    get_legacy_visit_image_mask_planes,
)
from .._transforms import DetectorFrame, Frame
from ..errors import (
    ArchiveReadError,
    CorruptArchiveError,
    DataIdMismatchError,
    ImagesError,
    LossyConversionWarning,
)
from ..fields import BackgroundMap
from ..serialization import attach
from ..serialization._deferred import available, is_deferred
from ..utils import UNEXPECTED, cached_property, short_repr
from ._components import LegacyComponent, legacy_components_of
from ._convert_detector import UNKNOWN_INSTRUMENT
from ._convert_visit import complete_obs_info, make_obs_info
from ._convert_wcs import PIXEL_FRAME, make_projection
from ._exposure_record import apply_exposure_record
from ._file import LegacyFile
from ._obs_info import read_obs_info
from ._passthrough import legacy_passthrough
from ._planes import read_projection
from ._reader import LegacyReader
from ._serials import correct_serial
from .afw_archive import visit_info_from_cards

MAX_EXPOSURE_VERSION = 2
"""Latest version of exposures (``EXPINFO_V``) that is supported."""

_DATA_ID = "LSST BUTLER DATAID "


def attempt(file: str, name: str, make: Callable[[], Any]) -> Any:
    """Read a component; return the error if it cannot be read.

    Parameters
    ----------
    file
        Name of the file, for messages.
    name
        Name of the component.
    make
        Reads it.

    Returns
    -------
    value
        The value, or an `ArchiveReadError`.

    Raises
    ------
    DataIdMismatchError
        If the instrument or visit that the caller gave contradicts the file.
    """
    try:
        return make()
    except DataIdMismatchError:
        raise
    except ArchiveReadError as err:
        return err
    except (ImagesError, *UNEXPECTED) as err:
        reason = CorruptArchiveError(
            f"The {name.replace('_', ' ')} of {file} cannot be read: {type(err).__name__}: {err}"
        )
        reason.__cause__ = err
        return reason


class LegacyVisitReader(LegacyReader):
    """Reader of an exposure of `lsst.afw` as a visit image or a subclass.

    Parameters
    ----------
    file
        The open file.
    pytype
        `VisitImage`, or a subclass.
    instrument, visit
        Name of the instrument and number of the visit; by default, those in
        the file.
    exposure_record
        The ``exposure`` dimension record of the Butler; optional.
    **options
        As for `LegacyReader`.

    Notes
    -----
    A component that the file lacks is `None` in the image.  One that cannot
    be read is replaced by the error, which its attribute raises.
    """

    def __init__(
        self,
        file: LegacyFile,
        pytype: type[VisitImage] = VisitImage,
        *,
        instrument: str | None = None,
        visit: int | None = None,
        exposure_record: Any = None,
        **options: Any,
    ) -> None:
        super().__init__(file, pytype, **options)
        self._given = {"instrument": instrument, "visit": visit}
        self._exposure_record = exposure_record
        self._results: dict[str, Any] = {}
        self._image_type: type[VisitImage] = pytype
        self._components = legacy_components_of(pytype)
        difference = issubclass(pytype, DifferenceImage)
        self._default_planes = (
            get_legacy_difference_image_mask_planes() if difference else get_legacy_visit_image_mask_planes()
        )

    @property
    def _component_readers(self) -> dict[str, Callable[..., Any]]:
        return {
            **super()._component_readers,
            **{
                declared.name: functools.partial(self._read_component, declared)
                for declared in self._components
            },
            "bounds": self._read_bounds,
            "backgrounds": BackgroundMap,
            "physical_filter": self._read_physical_filter,
        }

    # The whole image.

    def _read_whole(self, bbox: Box | None) -> Any:
        self._check_version()
        planes = super()._read_masked_image(bbox)
        components = {declared.name: self._component(declared) for declared in self._components}
        if is_deferred(components["band"]):
            components["band"] = None
        result = self._image_type._assemble(
            planes.image,
            planes.mask,
            planes.variance,
            metadata={},
            components={
                "projection": self._attempted_projection,
                "obs_info": self._attempted_obs_info,
                **components,
            },
        )
        if isinstance(number := self.file.primary.cards.get("EXPID"), int | float | str):
            result.metadata.native["id"] = number
        passthrough = legacy_passthrough(self.file, result)
        attach(result, passthrough=passthrough if bbox is None else passthrough.for_subset())
        return result

    @property
    def _version(self) -> int:
        version = self.file.primary.cards.get("EXPINFO_V", 0)
        return version if isinstance(version, int) else 0

    def _check_version(self) -> None:
        if self._version > MAX_EXPOSURE_VERSION:
            warnings.warn(
                f"{self.file.name} has exposure version {self._version}, but this release supports versions "
                f"up to {MAX_EXPOSURE_VERSION}; components may be missing from the image.",
                LossyConversionWarning,
                stacklevel=4,
            )

    # Components: values, or errors of those that cannot be read.

    def _attempt(self, name: str, make: Callable[[], Any]) -> Any:
        """Return what a function returns, or its error; call it only once."""
        if name not in self._results:
            self._results[name] = attempt(self.file.name, name, make)
        return self._results[name]

    def _component(self, declared: Component[Any]) -> Any:
        return self._attempt(declared.name, functools.partial(self._decode, declared))

    def _decode(self, declared: Component[Any]) -> Any:
        conversion = self._components[declared]
        record = self._record(conversion)
        return None if record is None else conversion.decode(record, self)

    def _record(self, conversion: LegacyComponent) -> Any:
        record = self.file.archived(conversion.archived)
        if record is None and conversion.from_cards is not None and self._version < conversion.cards_before:
            return conversion.from_cards(self.file.primary.cards)
        return record

    @property
    def _filter_label(self) -> Any:
        return self._attempt("filter_label", lambda: self._record(self._components[VisitImage.band]))

    @property
    def _detector_record(self) -> Any:
        return self._attempt("detector_record", lambda: self._record(self._components[VisitImage.detector]))

    # The observation.

    @property
    def _header_info(self) -> Any:
        """Observation information from the header alone."""
        return self._attempt("header_info", self._read_header_info)

    def _read_header_info(self) -> Any:
        found = read_obs_info(self.file)
        if found is None:
            record = visit_info_from_cards(self.file.primary.cards)
            given = self._given["instrument"] or self.file.primary.cards.get(f"{_DATA_ID}INSTRUMENT")
            if record is not None:
                found = make_obs_info(record, None if given is None else str(given))
        if found is not None and self._exposure_record is not None:
            found = apply_exposure_record(found, self._exposure_record, source=self.file.name)
        return found

    @property
    def _attempted_obs_info(self) -> Any:
        return self._attempt("obs_info", self._complete_obs_info)

    def _complete_obs_info(self) -> Any:
        found = available(self._header_info)
        if found is None:
            return None
        detector = self._detector_record
        with found.edit_copy() as found:
            if found.detector_serial is not None:
                found.detector_serial = correct_serial(
                    found.detector_serial, found.detector_num, found.instrument
                )
        return complete_obs_info(
            found,
            {
                "physical_filter": getattr(self._filter_label, "physical", None),
                "detector_num": getattr(detector, "id", None),
                "detector_unique_name": getattr(detector, "name", None),
            },
        )

    @property
    def _identity(self) -> dict[str, Any]:
        """Instrument and visit."""
        return cast(dict[str, Any], available(self._attempt("identity", self._find_identity)))

    def _find_identity(self) -> dict[str, Any]:
        info = self._header_info
        info = None if is_deferred(info) else info
        cards = self.file.primary.cards
        found = {
            "instrument": getattr(info, "instrument", None) or cards.get(f"{_DATA_ID}INSTRUMENT"),
            "visit": getattr(info, "exposure_id", None),
        }
        if found["visit"] is None:
            found["visit"] = cards.get(f"{_DATA_ID}VISIT")
        for name, given in self._given.items():
            if given is not None and found[name] is not None and given != found[name]:
                raise DataIdMismatchError(
                    f"{name}={short_repr(given)} does not match {self.file.name}, whose {name} is "
                    f"{short_repr(found[name])}."
                )
        return {name: found[name] if given is None else given for name, given in self._given.items()}

    # The source of the conversion of components; see `ConversionSource`.

    @property
    def instrument(self) -> str:
        """Name of the instrument."""
        return self._identity["instrument"] or UNKNOWN_INSTRUMENT

    @property
    def visit(self) -> int | None:
        """Number of the visit."""
        return cast(int | None, self._identity["visit"])

    @cached_property
    def bounds(self) -> Box:
        """Pixels of the image and, if the file has its box, of the detector."""
        image = self.file.bbox(self._main_plane)
        record = self._detector_record
        detector = None if is_deferred(record) else getattr(record, "bbox", None)
        if detector is None:
            return image
        return Box(Interval.hull(detector.y, image.y), Interval.hull(detector.x, image.x))

    @property
    def instrumental_unit(self) -> u.UnitBase:
        """Unit of the pixels to which the photometric calibration applies."""
        text = self.file.primary.cards.get("LSST ISR UNITS")
        if isinstance(text, str) and text.strip():
            return u.Unit(text.strip())
        unit = self.file.unit(self._main_plane)
        return u.electron if unit is None or unit.is_equivalent(u.nJy) else unit

    @property
    def pixel_unit(self) -> u.UnitBase | None:
        """Unit of the pixels, or `None` if it is unknown."""
        return self.file.unit(self._main_plane)

    @property
    def is_calibrated(self) -> bool:
        """Whether the unit of the pixels shows that the photometric calibration has been applied."""
        return self.pixel_unit is not None and self.pixel_unit.is_equivalent(u.nJy)

    @property
    def _attempted_projection(self) -> Any:
        return self._attempt("projection", self._make_projection)

    def _make_projection(self) -> Any:
        frame = self._pixel_frame
        record = self.file.archived("SKYWCS")
        if record is not None:
            return make_projection(record, frame, self.bounds)
        return read_projection(self.file, self._main_plane, frame)

    @property
    def _pixel_frame(self) -> Frame:
        record = self._detector_record
        bbox, number = getattr(record, "bbox", None), getattr(record, "id", None)
        if is_deferred(record) or bbox is None or number is None:
            return PIXEL_FRAME
        return DetectorFrame(instrument=self.instrument, visit=self.visit, detector=number, bbox=bbox)

    # Reading one component.

    @cached_property
    def _projection(self) -> Any:
        # Planes are read even if the projection cannot be.
        found = self._attempted_projection
        return None if is_deferred(found) else found

    @cached_property
    def _obs_info(self) -> Any:
        found = self._attempted_obs_info
        return None if is_deferred(found) else found

    def _read_sky_projection(self) -> Any:
        return available(self._attempted_projection)

    def _read_obs_info(self) -> Any:
        return available(self._attempted_obs_info)

    def _read_component(self, declared: Component[Any]) -> Any:
        value = available(self._component(declared))
        return declared.value_if_missing() if value is None else value

    def _read_bounds(self) -> Any:
        found, bbox = self._read_component(VisitImage.bounds), self._read_bbox()
        return bbox if found is None else clip_bounds(found, bbox)

    def _read_physical_filter(self) -> str | None:
        info = available(self._attempted_obs_info)
        return None if info is None else info.physical_filter
