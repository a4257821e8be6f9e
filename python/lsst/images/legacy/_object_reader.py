# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Reading files of `lsst.afw` that hold one object, not an image."""

from __future__ import annotations

__all__ = ("LegacyObjectReader",)

import functools
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
from ._convert_background import make_background_map
from ._convert_detector import UNKNOWN_INSTRUMENT, make_camera, make_camera_frame_set, make_detector
from ._convert_fields import NOMINAL, make_aperture_corrections, make_field
from ._convert_kernel import make_convolution_kernel
from ._convert_photo_calib import make_photometric_scaling
from ._convert_psf import EVERYWHERE, make_psf
from ._convert_visit import make_summary_stats
from ._convert_wcs import PIXEL_FRAME, make_projection
from ._damage import reading
from ._file import LegacyFile
from .afw_archive import read_backgrounds
from .afw_archive._camera import LegacyDetector
from .afw_archive._photo_calib import LegacyPhotoCalib

_ROOTS = {
    CameraFrameSet: ("Camera", "DetectorCollection", "Detector"),
    Detector: ("Detector",),
    Projection: ("SkyWcs", "TanWcs", "Wcs"),
}
"""Classes that a type is made of, first choice first."""

_COMPONENTS = {
    CameraFrameSet: "DETECTOR",
    Detector: "DETECTOR",
    Projection: "SKYWCS",
    PointSpreadFunction: "PSF",
    BaseField: "PHOTOCALIB",
    dict: "AP_CORR_MAP",
    ObservationSummaryStats: "SUMMARY_STATS",
}
"""Components of exposures that a type is made of."""


class LegacyObjectReader(DatasetReader[Any]):
    """An open file of `lsst.afw` that is read as an object without pixels.

    Parameters
    ----------
    file
        The open file: one that holds the object, or an exposure.
    pytype
        Type that is wanted.
    instrument, visit
        Name of the instrument and number of the visit, which such files do
        not tell.
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
        self._instrument = instrument
        self._visit = visit

    @staticmethod
    def maker_of(pytype: type) -> str | None:
        """Name the method that makes a type, or `None`.

        Parameters
        ----------
        pytype
            The type.
        """
        return next((name for base, name in _MAKERS.items() if issubclass(pytype, base)), None)

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
        maker = self.maker_of(self._pytype)
        if maker is None:
            raise LegacyConversionError(f"No legacy file is read as a {self._pytype.__name__}.")
        make: Callable[[], Any] = getattr(self, maker)
        kind = self._pytype.__name__
        note = f"While reading the legacy file {self.file.name} as a {kind}."
        with reading(self.file.name, kind, note=note):
            return make()

    def get_component(self, name: str, **parameters: Any) -> Any:
        raise InvalidComponentError(f"A legacy {self._pytype.__name__} has no component {name!r}.")

    @functools.cached_property
    def _record(self) -> Any:
        """The record that the object is made of."""
        base = next(base for base in _MAKERS if issubclass(self._pytype, base))
        component = _COMPONENTS.get(base)
        if component is not None and component in self.file.pointers:
            return self.file.archived(component)
        archive = self.file.archive
        if archive is None:
            raise NotAnArchiveError(f"{self.file.name} has no table archive of lsst.afw.")
        for name in _ROOTS.get(base, ()):
            if found := archive.ids(name):
                return archive.get(found[0])
        return archive.root()

    def _make_camera(self) -> CameraFrameSet:
        record = self._record
        if isinstance(record, LegacyDetector):
            instrument = self._instrument or UNKNOWN_INSTRUMENT
            return make_camera_frame_set([record], record.transforms(), instrument)
        return make_camera(record, self._instrument)

    def _make_detector(self) -> Detector:
        return make_detector(
            self._record,
            instrument=self._instrument or UNKNOWN_INSTRUMENT,
            visit=self._visit,
            is_raw_assembled=self._visit is not None or "DETECTOR" in self.file.pointers,
        )

    def _make_projection(self) -> Projection[Any]:
        return make_projection(self._record, PIXEL_FRAME)

    def _make_psf(self) -> PointSpreadFunction:
        return make_psf(self._record, self._image_box or EVERYWHERE)

    @property
    def _image_box(self) -> Box | None:
        try:
            return self.file.bbox(next(iter(self.file.planes.values())))
        except NotAnArchiveError:
            return None

    def _make_field(self) -> BaseField | None:
        record, box = self._record, self._image_box or NOMINAL
        if isinstance(record, LegacyPhotoCalib):
            return make_photometric_scaling(record, box)
        return make_field(record, box)

    def _make_kernel(self) -> ConvolutionKernel:
        return make_convolution_kernel(self._record, self._image_box or NOMINAL)

    def _make_corrections(self) -> dict[str, BaseField]:
        return make_aperture_corrections(self._record, self._image_box or NOMINAL)

    def _make_backgrounds(self) -> BackgroundMap:
        return make_background_map(read_backgrounds(self.file.fits))

    def _make_statistics(self) -> ObservationSummaryStats:
        if self._record is None:
            raise ArchiveReadError(f"{self.file.name} has no statistics.")
        return make_summary_stats(self._record)


_MAKERS: dict[type, str] = {
    CameraFrameSet: "_make_camera",
    Detector: "_make_detector",
    Projection: "_make_projection",
    PointSpreadFunction: "_make_psf",
    BaseField: "_make_field",
    ConvolutionKernel: "_make_kernel",
    BackgroundMap: "_make_backgrounds",
    ObservationSummaryStats: "_make_statistics",
    dict: "_make_corrections",
}
"""Types and the methods that make them."""
