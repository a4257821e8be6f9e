# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Summary statistics of the image of one detector."""

from __future__ import annotations

__all__ = ("ObservationSummaryStats", "Statistic", "is_unset")

import dataclasses
import math
import operator
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Self, TypeAlias

import astropy.units as u
import numpy as np

from .._aliases import accepts_legacy_names
from ..io import Serializable
from ..plugins import registry
from ..utils import short_repr

Corners: TypeAlias = tuple[float, float, float, float]

_NANS: Corners = (math.nan, math.nan, math.nan, math.nan)


@dataclasses.dataclass(frozen=True)
class Statistic:
    """Name, unit and meaning of a statistic.

    Parameters
    ----------
    name
        Name of the attribute.
    unit
        Unit of its value, or `None` for counts and the like.
    description
        One sentence that describes it.
    default
        Value if it was not measured.
    """

    name: str
    unit: u.UnitBase | None
    description: str
    default: Any


def _corners(values: Sequence[float]) -> Corners:
    a, b, c, d = map(float, values)
    return a, b, c, d


def _floats(values: Sequence[float]) -> tuple[float, ...]:
    return tuple(map(float, values))


def _stat(description: str, unit: u.UnitBase | None = None) -> Any:
    return _field(math.nan, float, description, unit)


def _count(description: str) -> Any:
    return _field(0, operator.index, description, None)


def _field(default: Any, convert: Callable[[Any], Any], description: str, unit: u.UnitBase | None) -> Any:
    return dataclasses.field(
        default=default, metadata={"convert": convert, "description": description, "unit": unit}
    )


_PIX2 = u.pix**2
_SCALE = u.arcsec / u.pix
_DENSITY = u.deg**-2


@dataclasses.dataclass(eq=False, repr=False)
class ObservationSummaryStats(Serializable):
    """Statistics of an observation; those not measured are NaN, 0 or empty.

    Notes
    -----
    Names follow `lsst.afw.image.ExposureSummaryStats`.  `statistics` returns
    the unit and meaning of each.  Values are converted to plain floats, ints
    and tuples of floats when they are set.
    """

    psfSigma: float = _stat("Determinant radius of the PSF at the centre.", u.pix)
    psfArea: float = _stat("Effective area of the PSF at the centre.", _PIX2)
    psfIxx: float = _stat("Second moment of the PSF along x.", _PIX2)
    psfIyy: float = _stat("Second moment of the PSF along y.", _PIX2)
    psfIxy: float = _stat("Mixed second moment of the PSF.", _PIX2)
    ra: float = _stat("Right ascension of the centre of the box.", u.deg)
    dec: float = _stat("Declination of the centre of the box.", u.deg)
    pixelScale: float = _stat("Size of a pixel on the sky.", _SCALE)
    zenithDistance: float = _stat("Distance of the centre from the zenith.", u.deg)
    expTime: float = _stat("Exposure time.", u.s)
    zeroPoint: float = _stat("Magnitude of one count in the whole exposure.", u.mag)
    skyBg: float = _stat("Mean background of the sky.", u.adu)
    skyNoise: float = _stat("Mean noise of the sky.", u.adu)
    meanVar: float = _stat("Mean of the variance plane.", u.adu**2)
    raCorners: Corners = _field(_NANS, _corners, "Right ascensions of the corners of the box.", u.deg)
    decCorners: Corners = _field(_NANS, _corners, "Declinations of the corners of the box.", u.deg)
    psfAdaptiveThresholdValue: float = _stat("Threshold of the adaptive detection of PSF stars.")
    psfAdaptiveIncludeThresholdMultiplier: float = _stat(
        "Factor on the threshold of the adaptive detection of PSF stars."
    )
    nShapeletsStar: int = _count("Number of sources that were decomposed into shapelets.")
    shapeletsOnlyIqScore: float = _stat("Image quality score from shapelets alone.")
    shapeletsIqScore: float = _stat("Image quality score from shapelets and other measurements.")
    shapeletsCoeffs: tuple[float, ...] = _field((), _floats, "Coefficients of the shapelets.", None)
    centroidDiffShapeletsVsSlotMedian: float = _stat(
        "Median distance between the centroids of shapelets and of the slot.", u.pix
    )
    shapeletsStarEMedian: float = _stat("Median ellipticity of the sources decomposed into shapelets.")
    shapeletsStarUnNormalizedEMedian: float = _stat(
        "Median of the ellipticity, not divided by size, of the sources decomposed into shapelets.", _PIX2
    )
    refCatSourceDensity: float = _stat("Density of sources in the reference catalogue.", _DENSITY)
    astromOffsetMean: float = _stat("Mean offset of astrometric matches.", u.arcsec)
    astromOffsetStd: float = _stat("Standard deviation of the offsets of astrometric matches.", u.arcsec)
    nPsfStar: int = _count("Number of stars that the PSF was fitted to.")
    psfStarDeltaE1Median: float = _stat("Median residual of e1, star minus PSF.")
    psfStarDeltaE2Median: float = _stat("Median residual of e2, star minus PSF.")
    psfStarDeltaE1Scatter: float = _stat("Scatter (from the MAD) of the residuals of e1.")
    psfStarDeltaE2Scatter: float = _stat("Scatter (from the MAD) of the residuals of e2.")
    psfStarDeltaSizeMedian: float = _stat("Median residual of the size, star minus PSF.", u.pix)
    psfStarDeltaSizeScatter: float = _stat("Scatter (from the MAD) of the residuals of the size.", u.pix)
    psfStarScaledDeltaSizeScatter: float = _stat(
        "Scatter (from the MAD) of the residuals of the size, over the squared size of the PSF."
    )
    psfTraceRadiusDelta: float = _stat("Range of the PSF's trace radius over the image.", u.pix)
    psfApFluxDelta: float = _stat("Range of the PSF's aperture flux over the image.")
    psfApCorrSigmaScaledDelta: float = _stat(
        "Range of the aperture correction of PSF fluxes over the image, over psfSigma."
    )
    maxDistToNearestPsf: float = _stat("Largest distance of a good pixel from a star of the PSF.", u.pix)
    starEMedian: float = _stat("Median ellipticity of the stars of the PSF.")
    starUnNormalizedEMedian: float = _stat(
        "Median of the ellipticity, not divided by size, of the stars of the PSF.", _PIX2
    )
    starComa1Median: float = _stat("Median of the first coma moment of the stars.")
    starComa2Median: float = _stat("Median of the second coma moment of the stars.")
    starTrefoil1Median: float = _stat("Median of the first trefoil moment of the stars.")
    starTrefoil2Median: float = _stat("Median of the second trefoil moment of the stars.")
    starKurtosisMedian: float = _stat("Median kurtosis of the stars.")
    starE41Median: float = _stat("Median of the first fourth-order ellipticity of the stars.")
    starE42Median: float = _stat("Median of the second fourth-order ellipticity of the stars.")
    effTime: float = _stat("Exposure time that would give this depth in nominal conditions.", u.s)
    effTimePsfSigmaScale: float = _stat("Part of the PSF's size in the ratio of effTime to expTime.")
    effTimeSkyBgScale: float = _stat("Part of the background in the ratio of effTime to expTime.")
    effTimeZeroPointScale: float = _stat("Part of the zero point in the ratio of effTime to expTime.")
    magLim: float = _stat("Magnitude of a point source at the limiting signal-to-noise ratio.", u.mag)
    psfTE1e1: float = _stat("Correlation of residuals of e1, averaged over 0 to 1 arcmin.")
    psfTE1e2: float = _stat("Correlation of residuals of e2, averaged over 0 to 1 arcmin.")
    psfTE1ex: float = _stat("Correlation of residuals of e1 and e2, averaged over 0 to 1 arcmin.")
    psfTE2e1: float = _stat("Correlation of residuals of e1, averaged over 5 to 100 arcmin.")
    psfTE2e2: float = _stat("Correlation of residuals of e2, averaged over 5 to 100 arcmin.")
    psfTE2ex: float = _stat("Correlation of residuals of e1 and e2, averaged over 5 to 100 arcmin.")
    psfTE3e1: float = _stat("Median over detectors of the correlation of e1 within 5 arcmin.")
    psfTE3e2: float = _stat("Median over detectors of the correlation of e2 within 5 arcmin.")
    psfTE3ex: float = _stat("Median over detectors of the correlation of e1 and e2 within 5 arcmin.")
    psfTE4e1: float = _stat("Median over detectors of the correlation of e1 from 5 to 20 arcmin.")
    psfTE4e2: float = _stat("Median over detectors of the correlation of e2 from 5 to 20 arcmin.")
    psfTE4ex: float = _stat("Median over detectors of the correlation of e1 and e2 from 5 to 20 arcmin.")

    def __setattr__(self, name: str, value: Any) -> None:
        if name.startswith("_"):
            object.__setattr__(self, name, value)
            return
        definition = type(self).__dataclass_fields__.get(name)
        if definition is None:
            raise AttributeError(f"ObservationSummaryStats has no statistic {short_repr(name)}.")
        try:
            converted = definition.metadata["convert"](value)
        except (TypeError, ValueError) as err:
            raise type(err)(f"Invalid value {short_repr(value)} of {name}: {err}") from err
        object.__setattr__(self, name, converted)

    @classmethod
    def statistics(cls) -> Mapping[str, Statistic]:
        """Return the unit and meaning of each statistic.

        Returns
        -------
        statistics
            By name, in the order in which they are stored.
        """
        return {
            item.name: Statistic(item.name, item.metadata["unit"], item.metadata["description"], item.default)
            for item in dataclasses.fields(cls)
        }

    def quantity(self, name: str) -> u.Quantity:
        """Return a statistic with its unit.

        Parameters
        ----------
        name
            Name of the statistic.

        Raises
        ------
        KeyError
            If the statistic does not exist.
        """
        unit = self.statistics()[name].unit
        return u.Quantity(getattr(self, name), u.dimensionless_unscaled if unit is None else unit)

    def items(self) -> Iterator[tuple[str, Any]]:
        """Iterate over names and values of all statistics."""
        return ((item.name, getattr(self, item.name)) for item in dataclasses.fields(self))

    def copy(self) -> Self:
        """Copy the statistics."""
        return type(self)(**dict(self.items()))

    @classmethod
    def from_mapping(cls, values: Mapping[str, Any]) -> Self:
        """Make statistics from values by name.

        Parameters
        ----------
        values
            Values by name.  Unknown names are ignored if the value means that
            the statistic was not measured; so is ``version``.

        Raises
        ------
        ValueError
            If an unknown statistic has a value.
        """
        known = cls.statistics()
        kept = {_RENAMED.get(name, name): value for name, value in values.items() if name != "version"}
        for name in kept.keys() - known.keys():
            if not is_unset(value := kept.pop(name)) and value != 0:
                raise ValueError(
                    f"Statistic {short_repr(name)} = {short_repr(value)} is not supported by "
                    "ObservationSummaryStats."
                )
        return cls(**{name: value for name, value in kept.items() if value is not None})

    @classmethod
    @accepts_legacy_names
    def from_legacy(cls, legacy: Any) -> Self:
        """Convert from an `lsst.afw.image.ExposureSummaryStats`.

        Parameters
        ----------
        legacy
            The afw object.

        Raises
        ------
        ValueError
            If an unknown statistic has a value.
        """
        return cls.from_mapping(
            {item.name: getattr(legacy, item.name) for item in dataclasses.fields(legacy)}
        )

    def to_legacy(self) -> Any:
        """Convert to an `lsst.afw.image.ExposureSummaryStats`.

        Raises
        ------
        ValueError
            If the installed version of afw lacks a statistic that has a value.
        """
        return registry.convert_to_legacy(self)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, ObservationSummaryStats):
            return NotImplemented
        return all(
            np.array_equal(mine, theirs, equal_nan=True)
            for (_, mine), (_, theirs) in zip(self.items(), other.items(), strict=True)
        )

    __hash__ = None  # type: ignore[assignment]  # mutable

    def __str__(self) -> str:
        values = [value for _, value in self.items()]
        count = sum(not is_unset(value) for value in values)
        return f"ObservationSummaryStats({count} of {len(values)} statistics set)"

    def __repr__(self) -> str:
        return f"ObservationSummaryStats({', '.join(f'{name}={value!r}' for name, value in self.items())})"


_RENAMED = {"decl": "dec"}
"""Names in old `lsst.afw` files."""


def is_unset(value: Any) -> bool:
    """Return whether a value means that a statistic was not measured.

    Parameters
    ----------
    value
        The value; a count always means that it was.
    """
    if value is None:
        return True
    if isinstance(value, Sequence) and not isinstance(value, str):
        return all(map(is_unset, value))
    return isinstance(value, float) and math.isnan(value)
