# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Bounded fields and maps of aperture corrections."""

from __future__ import annotations

__all__ = (
    "LegacyApCorrMap",
    "LegacyChebyshev",
    "LegacyFluxFit",
    "LegacyProductField",
    "LegacyTransformField",
    "decode_ap_corr_map",
    "decode_chebyshev",
    "decode_flux_fit",
    "decode_product",
    "decode_transform_field",
)

import dataclasses
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from ..._geom import Box
from ...errors import CorruptArchiveError
from ...utils import cached_property
from ._ast_text import read_ast, split_ast_text
from ._entries import LegacyEntry
from ._reader import LegacyArchive
from ._rows import LegacyRows


@dataclasses.dataclass(frozen=True, eq=False)
class LegacyChebyshev:
    """A sum of products of Chebyshev polynomials.

    Parameters
    ----------
    bbox
        Box that is mapped to [-1, 1], including whole edge pixels; `None`
        for a constant without a box.
    coefficients
        Element ``[j, i]`` multiplies ``T_j(y) T_i(x)``.
    """

    bbox: Box | None
    coefficients: np.ndarray

    def evaluate(self, x: Any, y: Any) -> np.ndarray:
        """Return the values of the field.

        Parameters
        ----------
        x, y
            Positions in pixels, of equal shapes.

        Raises
        ------
        CorruptArchiveError
            If the field varies, but does not have a box.
        """
        x, y = np.broadcast_arrays(np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64))
        if self.coefficients.size == 1:
            return np.full(x.shape, float(self.coefficients[0, 0]))
        if self.bbox is None:
            raise CorruptArchiveError("the Chebyshev field is not constant, but its box is empty")
        u, v = (
            (values - (side.start + side.stop - 1) / 2) * 2.0 / side.size
            for values, side in ((x, self.bbox.x), (y, self.bbox.y))
        )
        return np.asarray(np.polynomial.chebyshev.chebval2d(u, v, self.coefficients.T))


@dataclasses.dataclass(frozen=True)
class LegacyProductField:
    """The product of fields.

    Parameters
    ----------
    factors
        References to the fields.
    """

    factors: tuple[Any, ...]

    @property
    def bbox(self) -> Box | None:
        """Box of the first field that has one."""
        return next((box for factor in self.factors if (box := factor.part("bbox")) is not None), None)

    def evaluate(self, x: Any, y: Any) -> np.ndarray:
        """Return the values of the field.

        Parameters
        ----------
        x, y
            Positions in pixels, of equal shapes.
        """
        result = np.ones(np.broadcast(x, y).shape)
        for factor in self.factors:
            result = result * factor.part("evaluate")(x, y)
        return result


@dataclasses.dataclass(frozen=True)
class LegacyTransformField:
    """A field that is defined by an AST mapping.

    Parameters
    ----------
    bbox
        Its box; `None` if empty.
    ast_text
        Native text of a mapping from two coordinates to one.
    """

    bbox: Box | None
    ast_text: str

    @cached_property
    def _mapping(self) -> Any:
        mapping = read_ast(self.ast_text)
        if (getattr(mapping, "Nin", None), getattr(mapping, "Nout", None)) != (2, 1):
            raise CorruptArchiveError(
                f"the {type(mapping).__name__} of a field does not map two coordinates to one"
            )
        return mapping

    def evaluate(self, x: Any, y: Any) -> np.ndarray:
        """Return the values of the field.

        Parameters
        ----------
        x, y
            Positions in pixels, of equal shapes.
        """
        x, y = np.broadcast_arrays(np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64))
        values = np.asarray(self._mapping.tran(np.stack([x.ravel(), y.ravel()]), True)[0])
        return values.reshape(x.shape)


@dataclasses.dataclass(frozen=True, eq=False)
class LegacyFluxFit:
    """The photometric calibration of ``meas_mosaic``.

    Parameters
    ----------
    bbox
        Its box; `None` if empty.
    wcs
        Reference to the WCS.
    absolute, chebyshev
        Whether the calibration is absolute, and whether the polynomial is
        a Chebyshev polynomial.
    origin, half_size
        Origin and half size of the scaled coordinates, pixels.
    coefficients
        Coefficients of the polynomial.
    zero_point
        Magnitude zero point.
    n_quarter
        Orientation of the detector in quarter turns.
    """

    bbox: Box | None
    wcs: Any
    absolute: bool
    chebyshev: bool
    origin: tuple[float, float]
    half_size: tuple[float, float]
    coefficients: np.ndarray
    zero_point: float
    n_quarter: int


class LegacyApCorrMap(Mapping[str, Any]):
    """Aperture corrections by name, each decoded on first use.

    Parameters
    ----------
    references
        References to the fields.
    """

    def __init__(self, references: Mapping[str, Any]) -> None:
        self._references = dict(references)

    def __getitem__(self, name: str) -> Any:
        return self._references[name]()

    def __iter__(self) -> Iterator[str]:
        return iter(self._references)

    def __len__(self) -> int:
        return len(self._references)


def decode_chebyshev(
    archive: LegacyArchive, entry: LegacyEntry, tables: tuple[LegacyRows, ...]
) -> LegacyChebyshev:
    """Decode a ``ChebyshevBoundedField``.

    Parameters
    ----------
    archive, entry, tables
        See `LegacyDecoder`.
    """
    row = tables[0].one()
    values = row.array("coefficients").astype(np.float64)
    nx = row.integer("order_x") + 1
    if nx < 1 or not values.size or values.size % nx:
        raise CorruptArchiveError(
            f"a Chebyshev field has {values.size} coefficients, which cannot be arranged in rows of {nx}"
        )
    return LegacyChebyshev(row.box("bbox"), values.reshape(-1, nx))


def decode_product(
    archive: LegacyArchive, entry: LegacyEntry, tables: tuple[LegacyRows, ...]
) -> LegacyProductField:
    """Decode a ``ProductBoundedField``.

    Parameters
    ----------
    archive, entry, tables
        See `LegacyDecoder`.
    """
    return LegacyProductField(tuple(archive.references(tables[0].integers("id"))))


def decode_transform_field(
    archive: LegacyArchive, entry: LegacyEntry, tables: tuple[LegacyRows, ...]
) -> LegacyTransformField:
    """Decode a ``TransformBoundedField``.

    Parameters
    ----------
    archive, entry, tables
        See `LegacyDecoder`.
    """
    row = tables[0].one()
    return LegacyTransformField(row.box("bbox"), split_ast_text(row.blob("frameSet")).text)


def decode_flux_fit(
    archive: LegacyArchive, entry: LegacyEntry, tables: tuple[LegacyRows, ...]
) -> LegacyFluxFit:
    """Decode a ``FluxFitBoundedField``.

    Parameters
    ----------
    archive, entry, tables
        See `LegacyDecoder`.
    """
    row = tables[0].one()
    return LegacyFluxFit(
        bbox=row.box("bbox"),
        wcs=archive.reference(row.integer("wcs")),
        absolute=row.flag("absolute"),
        chebyshev=row.flag("chebyshev"),
        origin=(row.number("x0"), row.number("y0")),
        half_size=(row.number("uMax"), row.number("vMax")),
        coefficients=row.array("coefficients").astype(np.float64),
        zero_point=row.number("zeroPoint"),
        n_quarter=row.integer("nQuarter"),
    )


def decode_ap_corr_map(
    archive: LegacyArchive, entry: LegacyEntry, tables: tuple[LegacyRows, ...]
) -> LegacyApCorrMap:
    """Decode an ``ApCorrMap``.

    Parameters
    ----------
    archive, entry, tables
        See `LegacyDecoder`.
    """
    if not tables:
        return LegacyApCorrMap({})
    names, references = tables[0].texts("name"), archive.references(tables[0].integers("field"))
    return LegacyApCorrMap(dict(zip(names, references, strict=True)))
