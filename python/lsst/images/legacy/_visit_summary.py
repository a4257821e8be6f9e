# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Visit summaries: catalogs of the calibrations of all detectors of a visit."""

from __future__ import annotations

__all__ = ("VisitSummary", "VisitSummaryRow", "read_visit_summary")

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Generic, Never, Self, TypeVar, cast, overload

import astropy.table
import astropy.units as u
import numpy as np

from lsst.resources import ResourcePathExpression

from .._components import Component
from .._exposures import VisitImage
from .._geom import Box, Polygon
from .._transforms import DetectorFrame, Frame, Projection
from ..cameras import Detector
from ..errors import InvalidComponentError
from ..fields import ApertureCorrectionMap, BaseField
from ..psfs import PointSpreadFunction
from ..serialization import parse_unit
from ..utils import short_repr
from ._components import LEGACY_COMPONENTS, FixedSource
from ._convert_detector import UNKNOWN_INSTRUMENT
from ._convert_fields import NOMINAL
from ._convert_visit import make_obs_info
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


class SummaryComponent(Generic[T]):
    """Attribute of a row: a component of a visit image, decoded when it is used.

    Parameters
    ----------
    declared
        Declaration of the component.
    """

    def __init__(self, declared: Component[Any]) -> None:
        self._declared = declared
        self.__doc__ = declared.__doc__

    @overload
    def __get__(self, obj: None, owner: type) -> Self: ...

    @overload
    def __get__(self, obj: VisitSummaryRow, owner: type) -> T: ...

    def __get__(self, obj: VisitSummaryRow | None, owner: type) -> Self | T:
        if obj is None:
            return self
        conversion = LEGACY_COMPONENTS[self._declared]
        assert conversion.column is not None, "catalogs have the component"
        value = obj._convert(conversion.column, lambda record: conversion.decode(record, obj._source))
        return cast(T, self._declared.value_if_missing() if value is None else value)

    def __set__(self, obj: VisitSummaryRow, value: Never) -> None:
        raise AttributeError("Rows of a visit summary cannot be changed.")


class VisitSummaryRow(Mapping[str, Any]):
    """The row of one detector in a visit summary.

    It is a mapping of the columns with plain values by name.  Other columns
    are attributes, which are decoded when they are used.

    Parameters
    ----------
    record
        The row.
    names
        Names of the columns with plain values.
    instrument
        Name of the instrument, if the row does not contain it.
    """

    def __init__(
        self, record: LegacyExposureRecord, names: Sequence[str], instrument: str | None = None
    ) -> None:
        self._record = record
        self._names = names
        self._instrument = instrument

    def __getitem__(self, name: str) -> Any:
        if name not in self._names:
            raise KeyError(
                f"Column {short_repr(name)} does not exist; expected one of {short_repr(list(self._names))}."
            )
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
        """Name of the filter in the instrument (`str` | `None`)."""
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

    psf = SummaryComponent[PointSpreadFunction | None](VisitImage.psf)
    photometric_scaling = SummaryComponent[BaseField | None](VisitImage.photometric_scaling)
    aperture_corrections = SummaryComponent[ApertureCorrectionMap](VisitImage.aperture_corrections)
    polygon = SummaryComponent[Polygon | None](VisitImage.bounds)
    detector = SummaryComponent[Detector | None](VisitImage.detector)

    def _convert(self, name: str, make: Callable[[Any], T]) -> T | None:
        """Convert an object that the row may have."""
        record = self._record.component(name)
        if record is None:
            return None
        with reading(f"detector {self.id}", name):
            return make(record)

    @property
    def _source(self) -> FixedSource:
        """Facts for the conversion of components."""
        bounds = NOMINAL if self.bbox is None else self.bbox
        return FixedSource(bounds, self._instrument or UNKNOWN_INSTRUMENT, self.visit)

    @property
    def photo_calib(self) -> LegacyPhotoCalib | None:
        """Photometric calibration; its ``evaluate(x, y)`` is in nJy."""
        record: LegacyPhotoCalib | None = self._record.component("photo_calib")
        return record

    @property
    def visit_info(self) -> LegacyVisitInfo | None:
        """Record of the observation (`LegacyVisitInfo` | `None`)."""
        record: LegacyVisitInfo | None = self._record.component("visit_info")
        return record

    @property
    def obs_info(self) -> ObservationInfo | None:
        """Observation information
        (`~astro_metadata_translator.ObservationInfo` | `None`).
        """
        return self._convert("visit_info", lambda record: make_obs_info(record, self._instrument))

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
    """The rows of a visit summary, or of any exposure catalog.

    Parameters
    ----------
    catalog
        The catalog.
    instrument
        Name of the instrument, if the file does not contain it.
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
        """Names of the columns with plain values."""
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
            If the catalog does not contain it.
        """
        ids = np.asarray(self._catalog.column("id"))
        found = np.flatnonzero(ids == id)
        if not found.size:
            raise InvalidComponentError(
                f"Detector {short_repr(id)} does not exist; expected one of {sorted(ids.tolist())}."
            )
        return self[int(found[0])]

    @property
    def table(self) -> astropy.table.Table:
        """The columns with plain values (`astropy.table.Table`), with units."""
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
    """Make a column of strings, or of arrays of equal length; `None` otherwise."""
    texts = [value.strip() if isinstance(value, str) else value for value in values]
    if all(isinstance(value, str) for value in texts):
        return np.array(texts)
    return np.stack(texts) if len({np.shape(value) for value in texts}) == 1 else None


def _unit(text: str) -> u.UnitBase | None:
    # Some files have unit strings that astropy cannot parse.
    try:
        return parse_unit(text)
    except ValueError:
        return None


def read_visit_summary(uri: ResourcePathExpression, *, instrument: str | None = None) -> VisitSummary:
    """Read a visit summary, an ``ExposureCatalog`` in a file of its own.

    Parameters
    ----------
    uri
        URI or path of the file.
    instrument
        Name of the instrument, if the file does not contain it.

    Returns
    -------
    summary
        A sequence of rows.  The whole file is read into memory; columns are
        decoded, and errors of damaged ones are raised, when they are used.

    Raises
    ------
    NotAnArchiveError
        If the file does not hold an exposure catalog.
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
