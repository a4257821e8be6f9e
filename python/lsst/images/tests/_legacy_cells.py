# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Comparison of cell coadds with objects of `lsst.cell_coadds`."""

from __future__ import annotations

__all__ = ("compare_cell_coadd_provenance_to_legacy", "compare_cell_coadd_to_legacy")

from collections.abc import Mapping
from typing import Any

import numpy as np

from .._geom import XY, YX, Box, CellIJ
from .._pixels import MaskPlane, get_legacy_deep_coadd_mask_planes
from ..cells import CellCoadd, CoaddProvenance
from ..errors import ImagesError
from ._legacy_comparisons import compare_masked_image_to_legacy
from ._legacy_points import arrays_to_legacy_points
from ._values import annotate_errors, assert_values_equal


def compare_cell_coadd_to_legacy(
    cell_coadd: CellCoadd,
    legacy_cell_coadd: Any,
    *,
    tract_bbox: Box,
    plane_map: Mapping[str, MaskPlane] | None = None,
    alternates: Mapping[str, Any] | None = None,
    psf_points: XY[np.ndarray] | YX[np.ndarray] | None = None,
) -> None:
    """Compare a cell coadd with an `lsst.cell_coadds.MultipleCellCoadd`.

    Parameters
    ----------
    cell_coadd
        The coadd.
    legacy_cell_coadd
        The legacy object.
    tract_bbox
        Box of the tract, which the pixel frame must have.
    plane_map
        Planes by legacy name; those of coadds of cells by default.
    alternates
        Other versions of planes by name, which must be equal too.
    psf_points
        Where to compare kernels with those of the stitched PSF; by default, the kernels of all
        cells are compared.

    Raises
    ------
    AssertionError
        If they differ; the message names the component.
    """
    planes = get_legacy_deep_coadd_mask_planes() if plane_map is None else plane_map
    stitched = legacy_cell_coadd.stitch(cell_coadd.bbox.to_legacy())
    compare_masked_image_to_legacy(cell_coadd, stitched, plane_map=planes, alternates=alternates)
    identifiers = legacy_cell_coadd.identifiers
    found = (cell_coadd.skymap, cell_coadd.tract, cell_coadd.band)
    expected = (str(identifiers.skymap), int(identifiers.tract), str(legacy_cell_coadd.band))
    assert found == expected, f"skymap, tract and band: {found} differ from {expected}."
    assert cell_coadd.projection is not None, "The coadd has no projection."
    frame: Any = cell_coadd.projection.pixel_frame
    assert frame.bbox == tract_bbox, f"The box of the tract: {frame.bbox} differs from {tract_bbox}."
    if psf_points is None:
        _compare_cells(cell_coadd, legacy_cell_coadd)
    else:
        _compare_kernels(cell_coadd, stitched, psf_points)
    if cell_coadd.provenance is not None:
        compare_cell_coadd_provenance_to_legacy(cell_coadd.provenance, legacy_cell_coadd)


def _compare_cells(cell_coadd: CellCoadd, legacy: Any) -> None:
    for key, cell in legacy.cells.items():
        index = CellIJ(int(key.y), int(key.x))
        if index in set(cell_coadd.psf.bounds.cell_indices()):
            with annotate_errors(f"While comparing the PSF of cell {index}."):
                assert_values_equal(
                    cell_coadd.psf[index].array, np.asarray(cell.psf_image.array), label="kernel"
                )


def _compare_kernels(cell_coadd: CellCoadd, stitched: Any, points: Any) -> None:
    for point in arrays_to_legacy_points(np.asarray(points.x), np.asarray(points.y)):
        try:
            ours = cell_coadd.psf.compute_kernel_image(x=point.x, y=point.y)
        except ImagesError:
            continue
        with annotate_errors(f"At x={point.x}, y={point.y}."):
            theirs = stitched.psf.computeKernelImage(point)
            assert_values_equal(ours.array, np.asarray(theirs.array), label="kernel image")


def compare_cell_coadd_provenance_to_legacy(provenance: CoaddProvenance, legacy_cell_coadd: Any) -> None:
    """Compare the provenance of a cell coadd with the inputs of the legacy cells.

    Parameters
    ----------
    provenance
        The provenance.
    legacy_cell_coadd
        The `lsst.cell_coadds.MultipleCellCoadd`.

    Raises
    ------
    AssertionError
        If cells, inputs or weights differ.
    """
    expected = CoaddProvenance.from_legacy(legacy_cell_coadd)
    for name in ("inputs", "contributions"):
        ours, theirs = (_rows(getattr(value, name)) for value in (provenance, expected))
        assert len(ours) == len(theirs), f"{name}: {len(ours)} rows differ from {len(theirs)}."
        for mine, other in zip(ours, theirs, strict=True):
            assert mine == other, f"{name}: {mine} differs from {other}."


def _rows(table: Any) -> list[tuple[str, ...]]:
    """List rows as sorted texts; polygons may run either way, and are left out."""
    names = [name for name in table.colnames if name != "polygon"]
    return sorted(tuple(f"{name}={row[name]!s}" for name in names) for row in table)
