# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Visit summaries: catalogs with the calibrations of all detectors of a visit."""

from __future__ import annotations

__all__ = ("VisitSummary", "VisitSummaryRow", "read_visit_summary")

import functools
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar, overload

import astropy.table
import astropy.units as u
import numpy as np

from lsst.resources import ResourcePathExpression

from .._geom import Box, Polygon
from .._transforms import DetectorFrame, Frame, Projection
from ..cameras import Detector
from ..errors import InvalidComponentError
from ..fields import ApertureCorrectionMap, BaseField
from ..psfs import PointSpreadFunction
from ..serialization import parse_unit
from ._convert_detector import UNKNOWN_INSTRUMENT, make_detector
from ._convert_fields import NOMINAL, make_aperture_corrections
from ._convert_photo_calib import make_photometric_scaling
from ._convert_psf import make_psf
from ._convert_visit import make_bounds, make_obs_info
from ._convert_wcs import PIXEL_FRAME, make_projection
from ._damage import reading
from ._file import LegacyFile
from .afw_archive import LegacyExposureCatalog, open_exposure_catalog
from .afw_archive._catalogs import LegacyExposureRecord
from .afw_archive._photo_calib import LegacyPhotoCalib
from .afw_archive._visit_info import LegacyVisitInfo

if TYPE_CHECKING:
    from astro_metadata_translator import ObservationInfo

T = TypeVar("T")


class VisitSummaryRow(Mapping[str, Any]):
    """What a visit summary says of one detector.

    It is a mapping of the columns of plain values by name; what is more than
    a value has a property, which is made when it is asked for.

    Parameters
    ----------
    record
        The row.
    names
        Names of the columns of plain values.
    instrument
        Name of the instrument if the row does not say it.
    """

    def __init__(
        self, record: LegacyExposureRecord, names: Sequence[str], instrument: str | None = None
    ) -> None:
        self._record = record
        self._names = names
        self._instrument = instrument

    def __getitem__(self, name: str) -> Any:
        if name not in self._names:
            raise KeyError(f"There is no column {name!r}; there are {list(self._names)!r}.")
        return self._record[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)

    @property
    def id(self) -> int:
        """Number of the detector (`int`)."""
        return self._record.id

    @property
    def visit(self) -> int | None:
        """Number of the visit (`int` | `None`)."""
        return int(self["visit"]) if "visit" in self._names else None

    @property
    def bbox(self) -> Box | None:
        """Pixels of the detector's image (`~lsst.images.Box` | `None`)."""
        return self._record.bbox

    @property
    def band(self) -> str | None:
        """Short name of the filter (`str` | `None`)."""
        return str(self["band"]) if "band" in self._names else None

    @property
    def physical_filter(self) -> str | None:
        """Name of the filter, as the instrument calls it (`str` | `None`)."""
        return str(self["physical_filter"]) if "physical_filter" in self._names else None

    @property
    def _frame(self) -> Frame:
        if self.bbox is None:
            return PIXEL_FRAME
        info = self._record.component("visit_info")
        label = info.instrument_label if isinstance(info, LegacyVisitInfo) else ""
        instrument = label or self._instrument or UNKNOWN_INSTRUMENT
        return DetectorFrame(instrument=instrument, visit=self.visit, detector=self.id, bbox=self.bbox)

    @property
    def projection(self) -> Projection[Any] | None:
        """Maps pixels to the sky (`~lsst.images.Projection` | `None`)."""
        return self._convert("wcs", lambda record: make_projection(record, self._frame))

    sky_projection = projection

    @property
    def psf(self) -> PointSpreadFunction | None:
        """The PSF (`~lsst.images.psfs.PointSpreadFunction` | `None`)."""
        return self._convert("psf", lambda record: make_psf(record, self._where))

    def _convert(self, name: str, make: Callable[[Any], T]) -> T | None:
        """Convert a component that the row may have."""
        record = self._record.component(name)
        if record is None:
            return None
        with reading(f"detector {self.id}", name):
            return make(record)

    @property
    def _where(self) -> Box:
        return NOMINAL if self.bbox is None else self.bbox

    @property
    def photo_calib(self) -> LegacyPhotoCalib | None:
        """Calibration of the counts; its ``evaluate(x, y)`` is in nJy."""
        record: LegacyPhotoCalib | None = self._record.component("photo_calib")
        return record

    @property
    def photometric_scaling(self) -> BaseField | None:
        """The calibration as a field (`~lsst.images.fields.BaseField` |
        `None`), in nJy per electron; `None` if it is 1 as well.
        """
        return self._convert("photo_calib", lambda record: make_photometric_scaling(record, self._where))

    @property
    def aperture_corrections(self) -> ApertureCorrectionMap:
        """Fields by name of the algorithm (`dict`); may be empty."""
        make = functools.partial(make_aperture_corrections, bounds=self._where)
        return self._convert("ap_corr_map", make) or {}

    @property
    def visit_info(self) -> LegacyVisitInfo | None:
        """What the observatory said of the exposure, or `None`."""
        record: LegacyVisitInfo | None = self._record.component("visit_info")
        return record

    @property
    def obs_info(self) -> ObservationInfo | None:
        """The same as `~astro_metadata_translator.ObservationInfo`."""
        return self._convert("visit_info", lambda record: make_obs_info(record, self._instrument))

    @property
    def polygon(self) -> Polygon | None:
        """Region of valid pixels (`~lsst.images.Polygon` | `None`)."""
        return self._convert("valid_polygon", make_bounds)

    @property
    def detector(self) -> Detector | None:
        """The detector (`~lsst.images.cameras.Detector` | `None`)."""
        instrument = self._instrument or UNKNOWN_INSTRUMENT
        make = functools.partial(make_detector, instrument=instrument, visit=self.visit)
        return self._convert("detector", make)

    @property
    def ra_corners(self) -> np.ndarray | None:
        """Right ascensions of the corners of the box in degrees, or `None`."""
        return self._corners("raCorners")

    @property
    def dec_corners(self) -> np.ndarray | None:
        """Declinations of the corners of the box in degrees, or `None`."""
        return self._corners("decCorners")

    def _corners(self, name: str) -> np.ndarray | None:
        if name not in self._names:
            return None
        return np.asarray(self._record[name], dtype=np.float64)

    def __repr__(self) -> str:
        return f"<VisitSummaryRow of detector {self.id}>"


class VisitSummary(Sequence[VisitSummaryRow]):
    """The detectors of a visit, or the exposures of any catalog.

    Parameters
    ----------
    catalog
        The catalog.
    instrument
        Name of the instrument if the file does not say it.
    """

    def __init__(self, catalog: LegacyExposureCatalog, instrument: str | None = None) -> None:
        self._catalog = catalog
        self._names = catalog.names
        self._instrument = instrument

    def __len__(self) -> int:
        return len(self._catalog)

    @overload
    def __getitem__(self, index: int) -> VisitSummaryRow: ...

    @overload
    def __getitem__(self, index: slice) -> Sequence[VisitSummaryRow]: ...

    def __getitem__(self, index: int | slice) -> VisitSummaryRow | Sequence[VisitSummaryRow]:
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(len(self)))]
        return VisitSummaryRow(self._catalog[index], self._names, self._instrument)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the columns of plain values."""
        return self._names

    def find(self, id: int) -> VisitSummaryRow:
        """Find a detector.

        Parameters
        ----------
        id
            Its number.

        Raises
        ------
        LookupError
            If it is not in the catalog.
        """
        ids = np.asarray(self._catalog.column("id"))
        found = np.flatnonzero(ids == id)
        if not found.size:
            raise InvalidComponentError(f"There is no detector {id!r}; there are {sorted(ids.tolist())}.")
        return self[int(found[0])]

    @property
    def table(self) -> astropy.table.Table:
        """The columns of plain values (`astropy.table.Table`), with units."""
        table = astropy.table.Table()
        with reading("catalog", "columns"):
            self._fill(table)
        return table

    def _fill(self, table: astropy.table.Table) -> None:
        units = self._catalog.units
        for name in self._names:
            values = self._catalog.column(name)
            array = np.asarray(values) if isinstance(values, np.ndarray) else _as_column(values)
            if array is None:
                continue
            unit = units.get(name)
            table[name] = astropy.table.Column(array, unit=_unit(unit) if unit else None)

    def __repr__(self) -> str:
        return f"<VisitSummary of {len(self)} detectors>"


def _as_column(values: Any) -> np.ndarray | None:
    """Make a column of texts, or of arrays of one length; `None` of others."""
    texts = [value.strip() if isinstance(value, str) else value for value in values]
    if all(isinstance(value, str) for value in texts):
        return np.array(texts)
    return np.stack(texts) if len({np.shape(value) for value in texts}) == 1 else None


def _unit(text: str) -> u.UnitBase | None:
    # Names drift: "pixel", "count", and what no syntax knows.
    try:
        return parse_unit(text)
    except ValueError:
        return None


def read_visit_summary(uri: ResourcePathExpression, *, instrument: str | None = None) -> VisitSummary:
    """Read a visit summary, an ``ExposureCatalog`` in a file of its own.

    Parameters
    ----------
    uri
        URI or file name.
    instrument
        Name of the instrument, if the file does not say it.

    Returns
    -------
    summary
        A sequence of rows.  Everything is in memory, and is decoded when it
        is asked for; what is damaged is an error only then.

    Raises
    ------
    NotAnArchiveError
        If the file holds something else.
    CorruptArchiveError
        If it is damaged.
    """
    file = LegacyFile.open(uri)
    try:
        with reading(file.name, "catalog"):
            catalog = open_exposure_catalog(file.fits)
    finally:
        file.close()
    return VisitSummary(catalog, instrument)
