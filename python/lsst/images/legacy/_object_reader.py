# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Reader of files of `lsst.afw` that hold one object, not an image."""

from __future__ import annotations

__all__ = ("LegacyObjectReader", "find_legacy_object")

import dataclasses
from collections.abc import Callable
from typing import Any

from .._exposures import ObservationSummaryStats
from .._geom import Box
from .._transforms import CameraFrameSet, Projection
from ..cameras import Detector
from ..convolution_kernels import ConvolutionKernel
from ..errors import (
    ArchiveReadError,
    InvalidComponentError,
    InvalidParameterError,
    LegacyConversionError,
    NotAnArchiveError,
)
from ..fields import BackgroundMap, BaseField
from ..io import DatasetReader
from ..psfs import PointSpreadFunction
from ..utils import cached_property, short_repr
from ._convert_background import make_background_map
from ._convert_detector import UNKNOWN_INSTRUMENT, make_camera, make_camera_frame_set, make_detector
from ._convert_fields import NOMINAL, make_aperture_corrections, make_field
from ._convert_kernel import make_convolution_kernel
from ._convert_photo_calib import make_photo_calib_field
from ._convert_psf import UNLIMITED, make_psf
from ._convert_visit import make_summary_stats
from ._convert_wcs import PIXEL_FRAME, make_projection
from ._damage import reading
from ._file import LegacyFile
from .afw_archive import read_backgrounds
from .afw_archive._camera import LegacyDetector
from .afw_archive._photo_calib import LegacyPhotoCalib


class LegacyObjectReader(DatasetReader[Any]):
    """Reader of a file of `lsst.afw` as an object without pixels.

    Parameters
    ----------
    file
        The open file: one that holds the object, or an exposure that has it
        as a component.
    pytype
        Type of the object.
    instrument, visit
        Name of the instrument and number of the visit, which such files do
        not record.
    **options
        Options of other readers, which are ignored.
    """

    def __init__(
        self,
        file: LegacyFile,
        pytype: type,
        *,
        instrument: str | None = None,
        visit: int | None = None,
        **options: Any,
    ) -> None:
        self.file = file
        self._pytype = pytype
        self._given_instrument = instrument
        self._visit = visit

    def close(self) -> None:
        """Close the file."""
        self.file.close()

    @property
    def uri(self) -> str:
        return self.file.name

    @property
    def component_names(self) -> list[str]:
        return []

    def read(self, **parameters: Any) -> Any:
        if parameters:
            raise InvalidParameterError(
                f"A legacy {self._pytype.__name__} does not take the read parameters {sorted(parameters)}."
            )
        kind = find_legacy_object(self._pytype)
        if kind is None:
            raise LegacyConversionError(
                f"Reading a legacy file as a {self._pytype.__name__} is not supported."
            )
        name = self._pytype.__name__
        note = f"While reading the legacy file {self.file.name} as a {name}."
        with reading(self.file.name, name, note=note):
            return kind.read(self)

    def get_component(self, name: str, **parameters: Any) -> Any:
        raise InvalidComponentError(f"A legacy {self._pytype.__name__} has no component {short_repr(name)}.")

    @cached_property
    def record(self) -> Any:
        """The archived record of the object."""
        kind = find_legacy_object(self._pytype)
        assert kind is not None, "checked by read()"
        if kind.archived is not None and kind.archived in self.file.pointers:
            return self.file.archived(kind.archived)
        archive = self.file.archive
        if archive is None:
            raise NotAnArchiveError(f"{self.file.name} does not have a table archive of lsst.afw.")
        for name in kind.classes:
            if found := archive.ids(name):
                return archive.get(found[0])
        return archive.root()

    # Facts that the functions below need.

    @property
    def bounds(self) -> Box:
        """Box of the image of an exposure, or a nominal box."""
        default = UNLIMITED if issubclass(self._pytype, PointSpreadFunction) else NOMINAL
        try:
            return self.file.bbox(next(iter(self.file.planes.values())))
        except NotAnArchiveError:
            return default

    @property
    def instrument(self) -> str:
        """Name of the instrument."""
        return self._given_instrument or UNKNOWN_INSTRUMENT

    @property
    def given_instrument(self) -> str | None:
        """Name of the instrument, if the caller gave it."""
        return self._given_instrument

    @property
    def visit(self) -> int | None:
        """Number of the visit."""
        return self._visit


@dataclasses.dataclass(frozen=True)
class LegacyObject:
    """How a type of object is read from a file of its own, or from an exposure.

    Parameters
    ----------
    read
        Called with the reader; returns the object.
    archived
        Upper-case name of the component of an exposure that the object is.
    classes
        Archived classes that hold the object in a file of its own, in order
        of preference; by default, the root of the archive holds it.
    """

    read: Callable[[LegacyObjectReader], Any]
    archived: str | None = None
    classes: tuple[str, ...] = ()


def _read_camera(reader: LegacyObjectReader) -> CameraFrameSet:
    record = reader.record
    if isinstance(record, LegacyDetector):
        return make_camera_frame_set([record], record.transforms(), reader.instrument)
    return make_camera(record, reader.given_instrument)


def _read_detector(reader: LegacyObjectReader) -> Detector:
    return make_detector(
        reader.record,
        instrument=reader.instrument,
        visit=reader.visit,
        is_raw_assembled=reader.visit is not None or "DETECTOR" in reader.file.pointers,
    )


def _read_field(reader: LegacyObjectReader) -> BaseField | None:
    if isinstance(reader.record, LegacyPhotoCalib):
        scaling: BaseField | None = make_photo_calib_field(reader.record, reader.bounds)
        return scaling
    return make_field(reader.record, reader.bounds)


def _read_summary_stats(reader: LegacyObjectReader) -> ObservationSummaryStats:
    if reader.record is None:
        raise ArchiveReadError(f"{reader.file.name} does not have summary statistics.")
    return make_summary_stats(reader.record)


LEGACY_OBJECTS: dict[type, LegacyObject] = {
    CameraFrameSet: LegacyObject(_read_camera, "DETECTOR", ("Camera", "DetectorCollection", "Detector")),
    Detector: LegacyObject(_read_detector, "DETECTOR", ("Detector",)),
    Projection: LegacyObject(
        lambda reader: make_projection(reader.record, PIXEL_FRAME), "SKYWCS", ("SkyWcs", "TanWcs", "Wcs")
    ),
    PointSpreadFunction: LegacyObject(lambda reader: make_psf(reader.record, reader.bounds), "PSF"),
    BaseField: LegacyObject(_read_field, "PHOTOCALIB"),
    ConvolutionKernel: LegacyObject(lambda reader: make_convolution_kernel(reader.record, reader.bounds)),
    BackgroundMap: LegacyObject(lambda reader: make_background_map(read_backgrounds(reader.file.fits))),
    ObservationSummaryStats: LegacyObject(_read_summary_stats, "SUMMARY_STATS"),
    dict: LegacyObject(lambda reader: make_aperture_corrections(reader.record, reader.bounds), "AP_CORR_MAP"),
}
"""Readers of objects by their type."""


def find_legacy_object(pytype: type) -> LegacyObject | None:
    """Return how a type is read.

    Parameters
    ----------
    pytype
        The type.

    Returns
    -------
    kind
        `None` if it cannot be read from legacy files.
    """
    return next((kind for base, kind in LEGACY_OBJECTS.items() if issubclass(pytype, base)), None)
