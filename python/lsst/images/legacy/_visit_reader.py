# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Reading an exposure of `lsst.afw` as a visit or difference image."""

from __future__ import annotations

__all__ = ("LegacyVisitReader", "attempt")

import functools
import warnings
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

import astropy.units as u

from .._exposures import ObservationSummaryStats, VisitImage
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
from ._convert_detector import UNKNOWN_INSTRUMENT, make_detector
from ._convert_fields import make_aperture_corrections
from ._convert_photo_calib import make_photometric_scaling
from ._convert_psf import make_psf
from ._convert_visit import complete_obs_info, make_bounds, make_obs_info, make_summary_stats
from ._convert_wcs import PIXEL_FRAME, make_projection
from ._damage import UNFORESEEN
from ._file import LegacyFile
from ._obs_info import read_obs_info
from ._passthrough import legacy_passthrough
from ._planes import read_projection
from ._reader import LegacyReader
from .afw_archive import filter_label_from_cards, photo_calib_from_cards, visit_info_from_cards

NEWEST_EXPOSURE = 2
"""Latest ``EXPINFO_V`` of headers."""

_DATA_ID = "LSST BUTLER DATAID "


def attempt(file: str, name: str, make: Callable[[], Any]) -> Any:
    """Make a part of an image; what is wrong with it must not cost the rest.

    Parameters
    ----------
    file
        Name of the file, for messages.
    name
        Name of the part.
    make
        Makes it.

    Returns
    -------
    part
        The part, or the error that kept it from being read.
    """
    try:
        return make()
    except DataIdMismatchError:
        raise
    except ArchiveReadError as err:
        return err
    except (ImagesError, *UNFORESEEN) as err:
        reason = CorruptArchiveError(
            f"The {name.replace('_', ' ')} of {file} cannot be read: {type(err).__name__}: {err}"
        )
        reason.__cause__ = err
        return reason


class LegacyVisitReader(LegacyReader):
    """An open exposure of `lsst.afw` that is read as a visit image.

    Parameters
    ----------
    file
        The open file.
    pytype
        `VisitImage`, or a subclass.
    instrument, visit
        Name of the instrument and number of the visit; by default, those
        that the file tells.
    **options
        As for `LegacyReader`.

    Notes
    -----
    What the file does not have is `None` in the image.  What cannot be read
    is an error that is raised by whoever uses it.
    """

    COMPONENTS: ClassVar[Mapping[str, str]] = {
        **LegacyReader.COMPONENTS,
        **{
            name: f"_get_{name}"
            for name in (
                "psf",
                "detector",
                "summary_stats",
                "photometric_scaling",
                "aperture_corrections",
                "bounds",
                "backgrounds",
                "band",
                "physical_filter",
            )
        },
    }

    def __init__(
        self,
        file: LegacyFile,
        pytype: type = VisitImage,
        *,
        instrument: str | None = None,
        visit: int | None = None,
        **options: Any,
    ) -> None:
        super().__init__(file, pytype, **options)
        self._given = {"instrument": instrument, "visit": visit}
        self._parts: dict[str, Any] = {}
        difference = pytype.__name__ == "DifferenceImage"
        self._default_planes = (
            get_legacy_difference_image_mask_planes() if difference else get_legacy_visit_image_mask_planes()
        )

    # The whole.

    def _read_whole(self, bbox: Box | None) -> Any:
        self._check_version()
        masked_image = super()._read_masked_image(bbox)
        names = ("summary_stats", "photometric_scaling", "psf", "detector", "aperture_corrections", "bounds")
        parts = {name: self._part(name) for name in names}
        result = self._pytype(
            masked_image.image,
            mask=masked_image.mask,
            variance=masked_image.variance,
            projection=self._part("projection"),
            obs_info=self._part("obs_info"),
            band=self._band,
            allow_missing=True,
            **parts,
        )
        if (number := self.file.primary.cards.get("EXPID")) is not None:
            result.metadata["id"] = number
        passthrough = legacy_passthrough(self.file, result)
        attach(result, passthrough=passthrough if bbox is None else passthrough.for_subset())
        return result

    @property
    def _version(self) -> int:
        version = self.file.primary.cards.get("EXPINFO_V", 0)
        return version if isinstance(version, int) else 0

    def _check_version(self) -> None:
        if self._version > NEWEST_EXPOSURE:
            warnings.warn(
                f"{self.file.name} has version {self._version} of exposures; this release knows up to "
                f"{NEWEST_EXPOSURE}, and may miss parts of it.",
                LossyConversionWarning,
                stacklevel=4,
            )

    # Parts: values, or what stands for those that cannot be read.

    def _part(self, name: str) -> Any:
        if name not in self._parts:
            self._parts[name] = attempt(self.file.name, name, getattr(self, f"_make_{name}"))
        return self._parts[name]

    def _archived(self, name: str) -> Any:
        return self.file.archived(name)

    def _make_detector_record(self) -> Any:
        return self._archived("DETECTOR")

    def _make_filter_label(self) -> Any:
        label = self._archived("FILTER")
        if label is None and self._version < NEWEST_EXPOSURE:
            return filter_label_from_cards(self.file.primary.cards)
        return label

    def _make_header_info(self) -> Any:
        """Make what the header says of the observation."""
        found = read_obs_info(self.file)
        if found is not None:
            return found
        record = visit_info_from_cards(self.file.primary.cards)
        given = self._given["instrument"] or self.file.primary.cards.get(f"{_DATA_ID}INSTRUMENT")
        return None if record is None else make_obs_info(record, None if given is None else str(given))

    def _make_obs_info(self) -> Any:
        found = available(self._part("header_info"))
        if found is None:
            return None
        label, detector = self._part("filter_label"), self._part("detector_record")
        return complete_obs_info(
            found,
            {
                "physical_filter": getattr(label, "physical", None),
                "detector_num": getattr(detector, "id", None),
                "detector_unique_name": getattr(detector, "name", None),
            },
        )

    def _make_identity(self) -> dict[str, Any]:
        """Find out the instrument and the visit."""
        info = self._part("header_info")
        info = None if is_deferred(info) else info
        cards = self.file.primary.cards
        said = {
            "instrument": getattr(info, "instrument", None) or cards.get(f"{_DATA_ID}INSTRUMENT"),
            "visit": getattr(info, "exposure_id", None),
        }
        if said["visit"] is None:
            said["visit"] = cards.get(f"{_DATA_ID}VISIT")
        for name, given in self._given.items():
            if given is not None and said[name] is not None and given != said[name]:
                raise DataIdMismatchError(
                    f"{name}={given!r} does not match {self.file.name}, whose {name} is {said[name]!r}."
                )
        return {name: said[name] if given is None else given for name, given in self._given.items()}

    def _make_detector(self) -> Any:
        record = available(self._part("detector_record"))
        if record is None:
            return None
        identity = available(self._part("identity"))
        return make_detector(
            record,
            instrument=identity["instrument"] or UNKNOWN_INSTRUMENT,
            visit=identity["visit"],
            serial=self._header_serial(record),
        )

    def _header_serial(self, record: Any) -> str | None:
        info = self._part("header_info")
        serial = None if is_deferred(info) else getattr(info, "detector_serial", None)
        archived = getattr(record, "serial", None)
        if serial is not None and archived and serial != archived:
            warnings.warn(
                f"{self.file.name}: the detector has the serial number {serial!r} in the header and "
                f"{archived!r} in the archive; that of the header is taken.",
                LossyConversionWarning,
                stacklevel=5,
            )
        return serial

    def _make_frame(self) -> Frame:
        record, identity = self._part("detector_record"), available(self._part("identity"))
        bbox, number = getattr(record, "bbox", None), getattr(record, "id", None)
        if is_deferred(record) or bbox is None or number is None:
            return PIXEL_FRAME
        return DetectorFrame(
            instrument=identity["instrument"] or UNKNOWN_INSTRUMENT,
            visit=identity["visit"],
            detector=number,
            bbox=bbox,
        )

    @functools.cached_property
    def _full_bbox(self) -> Box:
        """Pixels of the image and, if the file knows them, of the detector."""
        image = self.file.bbox(self._main_plane)
        record = self._part("detector_record")
        detector = None if is_deferred(record) else getattr(record, "bbox", None)
        if detector is None:
            return image
        return Box(Interval.hull(detector.y, image.y), Interval.hull(detector.x, image.x))

    def _make_projection(self) -> Any:
        frame = available(self._part("frame"))
        record = self._archived("SKYWCS")
        if record is not None:
            return make_projection(record, frame, self._full_bbox)
        return read_projection(self.file, self._main_plane, frame)

    def _make_psf(self) -> Any:
        record = self._archived("PSF")
        return None if record is None else make_psf(record, self._full_bbox)

    def _make_summary_stats(self) -> Any:
        record = self._archived("SUMMARY_STATS")
        return None if record is None else make_summary_stats(record)

    def _make_photometric_scaling(self) -> Any:
        record = self._archived("PHOTOCALIB")
        if record is None and not self._version:
            record = photo_calib_from_cards(self.file.primary.cards)
        if record is None:
            return None
        return make_photometric_scaling(record, self._full_bbox, self._instrumental_unit)

    @property
    def _instrumental_unit(self) -> u.UnitBase:
        """Unit of the pixels that the photometric calibration applies to."""
        text = self.file.primary.cards.get("LSST ISR UNITS")
        if isinstance(text, str) and text.strip():
            return u.Unit(text.strip())
        unit = self.file.unit(self._main_plane)
        return u.electron if unit is None or unit.is_equivalent(u.nJy) else unit

    def _make_aperture_corrections(self) -> Any:
        record = self._archived("AP_CORR_MAP")
        return None if record is None else make_aperture_corrections(record, self._full_bbox)

    def _make_bounds(self) -> Any:
        record = self._archived("VALID_POLYGON")
        return None if record is None else make_bounds(record)

    @property
    def _band(self) -> str | None:
        label = self._part("filter_label")
        return None if is_deferred(label) else getattr(label, "band", None)

    # Components.

    @functools.cached_property
    def _projection(self) -> Any:
        # Planes go without a projection that cannot be read.
        part = self._part("projection")
        return None if is_deferred(part) else part

    @functools.cached_property
    def _obs_info(self) -> Any:
        part = self._part("obs_info")
        return None if is_deferred(part) else part

    def _read_sky_projection(self) -> Any:
        return available(self._part("projection"))

    def _read_obs_info(self) -> Any:
        return available(self._part("obs_info"))

    def _get_psf(self) -> Any:
        return available(self._part("psf"))

    def _get_detector(self) -> Any:
        return available(self._part("detector"))

    def _get_summary_stats(self) -> Any:
        found = available(self._part("summary_stats"))
        return ObservationSummaryStats() if found is None else found

    def _get_photometric_scaling(self) -> Any:
        return available(self._part("photometric_scaling"))

    def _get_aperture_corrections(self) -> Any:
        found = available(self._part("aperture_corrections"))
        return {} if found is None else found

    def _get_bounds(self) -> Any:
        found = available(self._part("bounds"))
        bbox = self._read_bbox()
        return bbox if found is None else clip_bounds(found, bbox)

    def _get_backgrounds(self) -> BackgroundMap:
        return BackgroundMap()

    def _get_band(self) -> str | None:
        label = available(self._part("filter_label"))
        return None if label is None else self._band

    def _get_physical_filter(self) -> str | None:
        info = available(self._part("obs_info"))
        return None if info is None else info.physical_filter
