# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Conversion of cell coadds from and to `lsst.cell_coadds`."""

from __future__ import annotations

__all__ = (
    "coadd_from",
    "coadd_to",
    "field_from",
    "field_to",
    "provenance_from",
    "provenance_to",
    "psf_from",
    "psf_to",
)

import math
from collections.abc import Mapping
from typing import Any

import astropy.units as u
import numpy as np

from .._geom import YX, Bounds, Box, CellGrid, CellGridBounds, CellIJ, Interval, Polygon
from .._pixels import Image, Mask, MaskPlane
from .._pixels._legacy_planes import get_legacy_deep_coadd_mask_planes
from .._transforms import Projection, TractFrame
from ..cells import CellCoadd, CellField, CellPointSpreadFunction, CoaddProvenance, PatchDefinition
from ..errors import LegacyConversionError, LegacyValueError
from ..utils import short_repr
from ._live_geom import box_to, cell_to, point_to, polygon_to
from ._live_modules import stack_module
from ._live_pixels import image_from, image_to, mask_from, mask_to, masked_image_to
from ._live_wcs import projection_from, projection_to

UNITS: dict[str, u.UnitBase] = {"nJy": u.nJy, "chi": u.dimensionless_unscaled}
"""Units by their name in `lsst.cell_coadds`."""


def _layout(grid: Any) -> CellGrid:
    """Return the grid of cells, without the border around the outermost cells."""
    return CellGrid(Box.from_legacy(grid.bbox), YX(y=int(grid.cell_size.y), x=int(grid.cell_size.x)))


def _index(key: Any) -> CellIJ:
    # Indices may be NumPy integers with few bits.
    return CellIJ(i=int(key.y), j=int(key.x))


def _missing(grid: CellGrid, present: set[CellIJ]) -> CellGridBounds:
    size = grid.grid_size
    cells = {CellIJ(i, j) for i in range(size.i) for j in range(size.j)}
    if not present:
        raise LegacyConversionError("Cannot convert a cell coadd without cells.")
    # The grid is that of the patch; only existing cells are converted.
    rows, columns = [cell.i for cell in present], [cell.j for cell in present]
    corners = [grid.bbox_of(CellIJ(min(rows), min(columns))), grid.bbox_of(CellIJ(max(rows), max(columns)))]
    bbox = Box(Interval.hull(*(box.y for box in corners)), Interval.hull(*(box.x for box in corners)))
    return CellGridBounds(grid, bbox, frozenset(cells - present))


def _spread(values: Mapping[CellIJ, np.ndarray], bounds: CellGridBounds) -> np.ndarray:
    first = np.asarray(next(iter(values.values())), dtype=np.float64)
    array = np.full((*bounds.subgrid_size.as_tuple(), *first.shape), np.nan)
    for cell, value in values.items():
        array[(cell - bounds.subgrid_start).as_tuple()] = value
    return array


def psf_from(legacy: Any, pytype: type, *, bounds: Bounds | None = None) -> CellPointSpreadFunction:
    """Convert a ``StitchedPsf``.

    Parameters
    ----------
    legacy
        The legacy object.
    pytype
        `CellPointSpreadFunction`.
    bounds
        Cells to keep; all by default.
    """
    if not (hasattr(legacy, "images") and hasattr(legacy, "grid")):
        raise LegacyConversionError(
            f"Expected a StitchedPsf of lsst.cell_coadds, not a {type(legacy).__name__}."
        )
    images = {_index(key): np.array(legacy.images[key].array) for key in legacy.images}
    found = _missing(_layout(legacy.grid), set(images))
    psf = CellPointSpreadFunction(_spread(images, found), found)
    return psf if bounds is None else psf[bounds.bbox.intersection(found.bbox)]


def psf_to(obj: CellPointSpreadFunction) -> Any:
    """Convert to a ``StitchedPsf``.

    Parameters
    ----------
    obj
        The PSF.
    """
    coadds, image = stack_module("cell_coadds"), stack_module("afw.image")
    grid = obj.grid.to_legacy()
    builder = coadds.GridContainer(shape=grid.shape)
    corner = point_to(obj.kernel_bbox.start.xy, form="Point2I")
    for cell in obj.bounds.cell_indices():
        array = np.array(obj[cell].array, dtype=np.float64, order="C")
        builder[cell_to(cell)] = image.ImageD(array, deep=False, xy0=corner)
    return coadds.StitchedPsf(builder, grid)


def field_from(legacy: Any, pytype: type, *, bounds: CellGridBounds) -> CellField:
    """Convert an aperture correction.

    Parameters
    ----------
    legacy
        The legacy object.
    pytype
        `CellField`.
    bounds
        The cells.
    """
    return _make_field({_index(key): float(legacy.gc[key]) for key in legacy.gc}, bounds)


def _make_field(values: Mapping[CellIJ, float], bounds: CellGridBounds) -> CellField:
    """Create a field from the values in cells, which are NaN or absent where it is not defined."""
    values = {cell: value for cell, value in values.items() if not math.isnan(value)}
    array = np.full(bounds.subgrid_size.as_tuple(), np.nan)
    for cell, value in values.items():
        if bounds.contains_cell(cell):
            array[(cell - bounds.subgrid_start).as_tuple()] = value
    missing = bounds.missing | {cell for cell in bounds.cell_indices() if cell not in values}
    return CellField(CellGridBounds(bounds.grid, bounds.bbox, frozenset(missing)), array)


def field_to(obj: CellField, *, form: str = "StitchedApertureCorrection") -> Any:
    """Convert to an aperture correction of `lsst.cell_coadds`.

    Parameters
    ----------
    obj
        The field.
    form
        ``StitchedApertureCorrection``.
    """
    coadds = stack_module("cell_coadds")
    grid = obj.grid.to_legacy()
    container = coadds.GridContainer(shape=grid.shape)
    # A stitched correction needs a value for every cell of the coadd.
    start, size = obj.bounds.subgrid_start, obj.bounds.subgrid_size
    for i in range(start.i, start.i + size.i):
        for j in range(start.j, start.j + size.j):
            cell = CellIJ(i, j)
            container[cell_to(cell)] = _value_or_nan(obj, cell)
    return coadds.StitchedApertureCorrection(grid, container)


def _value_or_nan(field: CellField, cell: CellIJ) -> float:
    return float(field.value_in_cell(cell)) if field.bounds.contains_cell(cell) else math.nan


def provenance_from(legacy: Any, pytype: type) -> CoaddProvenance:
    """Collect the input images of a ``MultipleCellCoadd``.

    Parameters
    ----------
    legacy
        The legacy object.
    pytype
        `CoaddProvenance`.
    """
    inputs: dict[Any, dict[str, Any]] = {}
    rows: list[dict[str, Any]] = []
    polygons = legacy.common.visit_polygons
    for key in legacy.cells:
        cell = _index(key)
        for image, found in legacy.cells[key].inputs.items():
            names = {
                "instrument": str(image.instrument),
                "visit": int(image.visit),
                "detector": int(image.detector),
            }
            outline = polygons.get(image)
            inputs.setdefault(
                tuple(names.values()),
                {
                    **names,
                    "physical_filter": str(image.physical_filter),
                    "day_obs": int(image.day_obs),
                    "polygon": None if outline is None else Polygon.from_legacy(outline),
                },
            )
            shape = found.psf_shape
            rows.append(
                {
                    "cell_i": cell.i,
                    "cell_j": cell.j,
                    **names,
                    "overlaps_center": bool(found.overlaps_center),
                    "overlap_fraction": float(found.overlap_fraction),
                    "unmasked_fraction": float(getattr(found, "unmasked_overlap_fraction", np.nan)),
                    "weight": float(found.weight),
                    "psf_shape_xx": float(shape.getIxx()),
                    "psf_shape_yy": float(shape.getIyy()),
                    "psf_shape_xy": float(shape.getIxy()),
                    "psf_shape_flag": bool(found.psf_shape_flag),
                }
            )
    if not rows:
        raise LegacyConversionError("The coadd does not list its input images.")
    return CoaddProvenance.from_columns(_columns([inputs[key] for key in sorted(inputs)]), _columns(rows))


def _columns(rows: list[dict[str, Any]]) -> dict[str, Any]:
    columns: dict[str, Any] = {name: [row[name] for row in rows] for name in rows[0]}
    if "polygon" in columns:
        array = np.empty(len(rows), dtype=object)
        array[:] = columns["polygon"]
        columns["polygon"] = array
    return columns


def provenance_to(obj: CoaddProvenance, *, form: str, observations: Any = None) -> Any:
    """Convert provenance to arguments of ``MultipleCellCoadd``.

    Parameters
    ----------
    obj
        The provenance.
    form
        ``polygon_map``: outlines by input; ``cell_coadd_inputs``: by cell,
        the inputs and their contributions.
    observations
        The ``ObservationIdentifiers`` of the inputs; created by default.
    """
    known = {_observation_key(item): item for item in observations or _observations(obj)}
    if form == "polygon_map":
        return {
            known[_row_key(row)]: polygon_to(row["polygon"])
            for row in obj.inputs
            if row["polygon"] is not None
        }
    coadds, shapes = stack_module("cell_coadds"), stack_module("afw.geom.ellipses")
    cells: dict[Any, dict[Any, Any]] = {}
    for row in obj.contributions:
        shape = shapes.Quadrupole(*(float(row[f"psf_shape_{axes}"]) for axes in ("xx", "yy", "xy")))
        found = coadds.CoaddInputs(
            overlaps_center=bool(row["overlaps_center"]),
            overlap_fraction=float(row["overlap_fraction"]),
            weight=float(row["weight"]),
            psf_shape=shape,
            psf_shape_flag=bool(row["psf_shape_flag"]),
        )
        index = cell_to(CellIJ(int(row["cell_i"]), int(row["cell_j"])))
        cells.setdefault(index, {})[known[_row_key(row)]] = found
    return cells


def _row_key(row: Any) -> tuple[str, int, int]:
    return str(row["instrument"]), int(row["visit"]), int(row["detector"])


def _observation_key(item: Any) -> tuple[str, int, int]:
    return str(item.instrument), int(item.visit), int(item.detector)


def _observations(obj: CoaddProvenance) -> list[Any]:
    make = stack_module("cell_coadds").ObservationIdentifiers
    return [
        make(
            instrument=str(row["instrument"]),
            physical_filter=str(row["physical_filter"]),
            visit=int(row["visit"]),
            day_obs=int(row["day_obs"]),
            detector=int(row["detector"]),
        )
        for row in obj.inputs
    ]


def coadd_from(
    legacy: Any,
    pytype: type,
    *,
    tract_info: Any,
    plane_map: Mapping[str, MaskPlane] | None = None,
    bbox: Box | None = None,
) -> CellCoadd:
    """Convert a ``MultipleCellCoadd``.

    Parameters
    ----------
    legacy
        The legacy object.
    pytype
        `CellCoadd`.
    tract_info
        The ``TractInfo`` of its tract.
    plane_map
        New planes by legacy name; by default those of coadds of cells.
    bbox
        Pixels to convert; by default those of the existing cells.
    """
    grid = _layout(legacy.grid)
    keys = {_index(key): key for key in legacy.cells}
    bounds = _missing(grid, set(keys))
    box = bounds.bbox if bbox is None else bbox
    identifiers = legacy.identifiers
    frame = TractFrame(
        skymap=str(identifiers.skymap),
        tract=int(identifiers.tract),
        bbox=Box.from_legacy(tract_info.getBBox()),
    )
    projection: Projection[Any] = projection_from(legacy.wcs, Projection, pixel_frame=frame)
    stitched = legacy.stitch(box_to(box))
    unit = _unit_of(legacy.units)
    image = image_from(stitched.image, Image, unit=unit, projection=projection)
    mask = _mask_of(stitched.mask, plane_map)
    variance = image_from(stitched.variance, Image, unit=unit**2)
    psfs = {cell: np.array(legacy.cells[key].psf_image.array) for cell, key in keys.items()}
    psf = CellPointSpreadFunction(_spread(psfs, bounds), bounds)
    corrections = {
        name: _make_field(values, bounds) for name, values in _corrections_of(legacy, keys).items()
    }
    patch = _patch_of(legacy, tract_info, grid)
    has_inputs = any(legacy.cells[key].inputs for key in keys.values())
    return CellCoadd(
        image,
        mask=mask,
        variance=variance,
        mask_fractions=_fractions_of(stitched),
        noise_realizations=[image_from(noise, Image) for noise in stitched.noise_realizations],
        band=str(legacy.band),
        psf=psf,
        aperture_corrections=corrections,
        patch=patch,
        provenance=provenance_from(legacy, CoaddProvenance) if has_inputs else None,
    )


def _unit_of(legacy: Any) -> u.UnitBase:
    # The names of this enumeration are units; its values may be numbers.
    name = str(getattr(legacy, "name", legacy))
    if name not in UNITS:
        raise LegacyConversionError(
            f"The pixels of this coadd have the unit {short_repr(name)}; supported units are {sorted(UNITS)}."
        )
    return UNITS[name]


def _corrections_of(legacy: Any, keys: Mapping[CellIJ, Any]) -> dict[str, dict[CellIJ, float]]:
    """Collect the aperture corrections of cells.

    Those of a stitched coadd cannot be accessed if a cell lacks one of them.
    """
    result: dict[str, dict[CellIJ, float]] = {}
    for cell, key in keys.items():
        for name, value in legacy.cells[key].aperture_correction_map.items():
            result.setdefault(str(name), {})[cell] = float(value)
    return result


def _fractions_of(stitched: Any) -> dict[str, Image]:
    found = stitched.mask_fractions
    if found is None:
        return {}
    # Some versions have one image, others one for each name.
    named = found if isinstance(found, Mapping) else {"rejected": found}
    return {str(name): image_from(image, Image) for name, image in named.items()}


def _mask_of(legacy: Any, plane_map: Mapping[str, MaskPlane] | None) -> Mask:
    default = get_legacy_deep_coadd_mask_planes()
    return mask_from(legacy, Mask, plane_map=plane_map, default_planes=default)


def _patch_of(legacy: Any, tract_info: Any, grid: CellGrid) -> PatchDefinition:
    index = legacy.identifiers.patch
    patch_info = tract_info[index]
    return PatchDefinition(
        id=int(patch_info.getSequentialIndex()),
        index=YX(y=int(index.y), x=int(index.x)),
        inner_bbox=Box.from_legacy(patch_info.getInnerBBox()),
        cells=grid,
    )


def coadd_to(
    obj: CellCoadd,
    *,
    form: str = "Exposure",
    copy: bool | None = None,
    plane_map: Mapping[str, MaskPlane] | None = None,
) -> Any:
    """Convert to an ``ExposureF`` or a ``MultipleCellCoadd``.

    Parameters
    ----------
    obj
        The coadd.
    form
        Name of the target class.
    copy
        Whether to copy pixels; `None` copies if afw cannot share them.
    plane_map
        New planes by legacy name.
    """
    planes = get_legacy_deep_coadd_mask_planes() if plane_map is None else plane_map
    if form == "MultipleCellCoadd":
        return _cells_to(obj, planes)
    image = stack_module("afw.image")
    masked_image = masked_image_to(obj, copy=copy, plane_map=planes)
    exposure = image.Exposure(masked_image, dtype=masked_image.image.array.dtype)
    info = exposure.info
    if obj.projection is not None:
        info.setWcs(projection_to(obj.projection))
    if obj.band is not None:
        info.setFilter(image.FilterLabel(band=obj.band))
    info.setPhotoCalib(image.PhotoCalib(float(obj.unit.to(u.nJy))) if obj.unit.is_equivalent(u.nJy) else None)
    info.setPsf(psf_to(obj.psf))
    exposure.metadata.set("BUNIT", obj.unit.to_string())
    return exposure


def _cells_to(obj: CellCoadd, planes: Mapping[str, MaskPlane]) -> Any:
    """Split the coadd into cells without borders."""
    if obj.unit != u.nJy:
        raise LegacyValueError(f"A MultipleCellCoadd must have the unit nJy; this coadd has {obj.unit}.")
    if obj.bbox != obj.bounds.bbox:
        raise LegacyValueError("MultipleCellCoadd requires its bounding box to lie on the cell grid.")
    if (patch := getattr(obj, "patch", None)) is None:
        raise LegacyValueError("A MultipleCellCoadd needs a patch, which this coadd does not have.")
    coadds = stack_module("cell_coadds")
    grid = obj.grid.to_legacy()
    index = cell_to(CellIJ(patch.index.y, patch.index.x))
    names = {"skymap": obj.skymap, "tract": obj.tract, "patch": index, "band": obj.band}
    provenance = getattr(obj, "provenance", None)
    observations = [] if provenance is None else _observations(provenance)
    inputs, polygons = (
        {} if provenance is None else provenance_to(provenance, form=form, observations=observations)
        for form in ("cell_coadd_inputs", "polygon_map")
    )
    assert obj.projection is not None, "checked by the constructor"
    common = coadds.CommonComponents(
        units=coadds.CoaddUnits.nJy,
        wcs=projection_to(obj.projection),
        band=obj.band,
        identifiers=coadds.PatchIdentifiers(**names),
        visit_polygons=polygons,
    )
    cells = [
        _cell_to(obj, cell, common, coadds.CellIdentifiers(**names, cell=cell_to(cell)), inputs, planes)
        for cell in obj.bounds.cell_indices()
    ]
    return coadds.MultipleCellCoadd(
        cells,
        grid,
        outer_cell_size=point_to(obj.grid.cell_shape, form="Extent2I"),
        psf_image_size=point_to(obj.psf.kernel_bbox.shape, form="Extent2I"),
        common=common,
        inner_bbox=box_to(obj.bbox),
    )


def _cell_to(
    obj: CellCoadd,
    cell: CellIJ,
    common: Any,
    identifiers: Any,
    inputs: Mapping[Any, Any],
    planes: Mapping[str, MaskPlane],
) -> Any:
    coadds = stack_module("cell_coadds")
    box = obj.grid.bbox_of(cell)
    fractions = obj.mask_fractions.get("rejected")
    outer = coadds.OwnedImagePlanes(
        image=_image_f(obj.image[box]),
        mask=mask_to(obj.mask[box], plane_map=planes),
        variance=_image_f(obj.variance[box]),
        mask_fractions=None if fractions is None else _image_f(fractions[box]),
        noise_realizations=tuple(_image_f(noise[box]) for noise in obj.noise_realizations),
    )
    return coadds.SingleCellCoadd(
        outer,
        psf=image_to(obj.psf[cell], copy=True),
        inner_bbox=box_to(box),
        inputs=inputs.get(cell_to(cell), {}),
        common=common,
        identifiers=identifiers,
        aperture_correction_map={
            name: _value_or_nan(field, cell) for name, field in obj.aperture_corrections.items()
        },
    )


def _image_f(image: Image) -> Any:
    """Copy an image to the pixel type of cells."""
    return image_to(Image(image.array.astype(np.float32), bbox=image.bbox))
