# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Transmission curves of filters, sensors, optics and the atmosphere."""

from __future__ import annotations

__all__ = (
    "LegacyConstantTransmission",
    "LegacyIdentityTransmission",
    "LegacyProductTransmission",
    "LegacyRadialTransmission",
    "LegacyTransformedTransmission",
    "decode_constant",
    "decode_identity",
    "decode_product",
    "decode_radial",
    "decode_transformed",
)

import dataclasses
from typing import Any

import numpy as np

from ...errors import CorruptArchiveError
from ._ast_text import read_mapping
from ._entries import LegacyEntry
from ._reader import LegacyArchive
from ._rows import LegacyRow, LegacyRows


@dataclasses.dataclass(frozen=True)
class LegacyIdentityTransmission:
    """A throughput of 1 everywhere."""

    def sample(self, x: float, y: float, wavelengths: np.ndarray) -> np.ndarray:
        """Return the throughput.

        Parameters
        ----------
        x, y
            Position, in the system that the curve belongs to.
        wavelengths
            Ångström.
        """
        return np.ones(np.shape(wavelengths))


@dataclasses.dataclass(frozen=True, eq=False)
class LegacyConstantTransmission:
    """The same curve everywhere, linear between its points.

    Parameters
    ----------
    wavelengths
        Ångström, increasing.
    throughput
        Throughput at these wavelengths.
    at_min, at_max
        Throughput at shorter and longer wavelengths.
    """

    wavelengths: np.ndarray
    throughput: np.ndarray
    at_min: float
    at_max: float

    def sample(self, x: float, y: float, wavelengths: np.ndarray) -> np.ndarray:
        """Return the throughput.

        Parameters
        ----------
        x, y
            Position; not used.
        wavelengths
            Ångström.
        """
        values = np.interp(
            wavelengths, self.wavelengths, self.throughput, left=self.at_min, right=self.at_max
        )
        return np.asarray(values)


@dataclasses.dataclass(frozen=True, eq=False)
class LegacyRadialTransmission:
    """A curve that varies with the distance from the origin.

    Parameters
    ----------
    radii
        Distances, increasing.
    wavelengths
        Ångström, increasing.
    throughput
        Shape ``(radii, wavelengths)``.
    at_min, at_max
        Throughput at shorter and longer wavelengths.
    """

    radii: np.ndarray
    wavelengths: np.ndarray
    throughput: np.ndarray
    at_min: float
    at_max: float

    def sample(self, x: float, y: float, wavelengths: np.ndarray) -> np.ndarray:
        """Return the throughput.

        Parameters
        ----------
        x, y
            Position relative to the origin.
        wavelengths
            Ångström.
        """
        radius = float(np.clip(np.hypot(x, y), self.radii[0], self.radii[-1]))
        upper = int(np.clip(np.searchsorted(self.radii, radius), 1, max(1, len(self.radii) - 1)))
        if len(self.radii) == 1:
            curve = self.throughput[0]
        else:
            inner, outer = self.radii[upper - 1], self.radii[upper]
            part = (radius - inner) / (outer - inner)
            curve = (1.0 - part) * self.throughput[upper - 1] + part * self.throughput[upper]
        values = np.interp(wavelengths, self.wavelengths, curve, left=self.at_min, right=self.at_max)
        return np.asarray(values)


@dataclasses.dataclass(frozen=True)
class LegacyProductTransmission:
    """The product of two curves.

    Parameters
    ----------
    factors
        References to the curves.
    """

    factors: tuple[Any, Any]

    def sample(self, x: float, y: float, wavelengths: np.ndarray) -> np.ndarray:
        """Return the throughput.

        Parameters
        ----------
        x, y
            Position.
        wavelengths
            Ångström.
        """
        first, second = (factor.part("sample")(x, y, wavelengths) for factor in self.factors)
        return np.asarray(first * second)


@dataclasses.dataclass(frozen=True)
class LegacyTransformedTransmission:
    """A curve of one coordinate system, used in another.

    Parameters
    ----------
    nested
        Reference to the curve.
    transform
        Reference to the transform from its system to this one.
    """

    nested: Any
    transform: Any

    def sample(self, x: float, y: float, wavelengths: np.ndarray) -> np.ndarray:
        """Return the throughput.

        Parameters
        ----------
        x, y
            Position in this system.
        wavelengths
            Ångström.
        """
        mapping = read_mapping(self.transform.part("ast_text"))
        there_x, there_y = mapping.apply(np.array([x], float), np.array([y], float), forward=False)
        return np.asarray(self.nested.part("sample")(float(there_x[0]), float(there_y[0]), wavelengths))


def decode_identity(
    archive: LegacyArchive, entry: LegacyEntry, tables: tuple[LegacyRows, ...]
) -> LegacyIdentityTransmission:
    """Decode an ``IdentityTransmissionCurve``, which has no table.

    Parameters
    ----------
    archive, entry, tables
        See `LegacyDecoder`.
    """
    return LegacyIdentityTransmission()


def decode_constant(
    archive: LegacyArchive, entry: LegacyEntry, tables: tuple[LegacyRows, ...]
) -> LegacyConstantTransmission:
    """Decode a ``SpatiallyConstantTransmissionCurve``.

    Parameters
    ----------
    archive, entry, tables
        See `LegacyDecoder`.
    """
    row = tables[0].one()
    wavelengths, throughput = _axis(row, "wavelengths"), row.array("throughput").astype(np.float64)
    if throughput.size != wavelengths.size:
        raise CorruptArchiveError(
            f"the curve has {throughput.size} throughputs for {wavelengths.size} wavelengths"
        )
    return LegacyConstantTransmission(wavelengths, throughput, *_outside(row))


def decode_radial(
    archive: LegacyArchive, entry: LegacyEntry, tables: tuple[LegacyRows, ...]
) -> LegacyRadialTransmission:
    """Decode a ``RadialTransmissionCurve``.

    Parameters
    ----------
    archive, entry, tables
        See `LegacyDecoder`.
    """
    row = tables[0].one()
    wavelengths, radii = _axis(row, "wavelengths"), _axis(row, "radii")
    throughput = row.array("throughput").astype(np.float64)
    if throughput.size != wavelengths.size * radii.size:
        raise CorruptArchiveError(
            f"the curve has {throughput.size} throughputs for {wavelengths.size} wavelengths and "
            f"{radii.size} radii"
        )
    # Wavelengths vary fastest; the description of the column in the header is wrong.
    return LegacyRadialTransmission(
        radii, wavelengths, throughput.reshape(radii.size, wavelengths.size), *_outside(row)
    )


def _axis(row: LegacyRow, name: str) -> np.ndarray:
    values = row.array(name).astype(np.float64)
    if not values.size or not (np.diff(values) > 0.0).all():
        raise CorruptArchiveError(f"the {values.size} {name} of the curve are not increasing")
    return values


def _outside(row: LegacyRow) -> tuple[float, float]:
    return row.number("throughputAtMin"), row.number("throughputAtMax")


def decode_product(
    archive: LegacyArchive, entry: LegacyEntry, tables: tuple[LegacyRows, ...]
) -> LegacyProductTransmission:
    """Decode a ``ProductTransmissionCurve``.

    Parameters
    ----------
    archive, entry, tables
        See `LegacyDecoder`.
    """
    row = tables[0].one()
    return LegacyProductTransmission(
        (archive.reference(row.integer("a")), archive.reference(row.integer("b")))
    )


def decode_transformed(
    archive: LegacyArchive, entry: LegacyEntry, tables: tuple[LegacyRows, ...]
) -> LegacyTransformedTransmission:
    """Decode a ``TransformedTransmissionCurve``.

    Parameters
    ----------
    archive, entry, tables
        See `LegacyDecoder`.
    """
    row = tables[0].one()
    return LegacyTransformedTransmission(
        archive.reference(row.integer("nested")), archive.reference(row.integer("transform"))
    )
