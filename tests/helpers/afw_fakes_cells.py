# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Fake modules of `lsst.cell_coadds` and `lsst.skymap`; see `afw_fakes`."""

from __future__ import annotations

import dataclasses
import enum
import operator
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from helpers.afw_fakes_geom import AfwPolygon, Box2I, Extent2I, IntervalI, SkyWcs, require
from helpers.afw_fakes_image import IMAGES, Mask

ImageF, ImageD = IMAGES["float32"], IMAGES["float64"]

# lsst.skymap


@dataclasses.dataclass(frozen=True)
class Index2D:
    x: int
    y: int


class PatchInfo:
    def __init__(self, number: int, box: Box2I) -> None:
        self._number, self._box = number, box

    def getSequentialIndex(self) -> int:
        return self._number

    def getInnerBBox(self) -> Box2I:
        return self._box


class TractInfo:
    """A tract with one patch of interest."""

    def __init__(self, box: Box2I, index: Index2D, patch: PatchInfo) -> None:
        self._box, self._index, self._patch = box, index, patch

    def getBBox(self) -> Box2I:
        return self._box

    def __getitem__(self, index: Any) -> PatchInfo:
        require(Index2D, index)
        if index != self._index:
            raise LookupError(f"no patch {index}")
        return self._patch


# lsst.afw.geom.ellipses


class Quadrupole:
    def __init__(self, ixx: float, iyy: float, ixy: float) -> None:
        require(float, ixx, iyy, ixy)
        self._moments = (ixx, iyy, ixy)

    def getIxx(self) -> float:
        return self._moments[0]

    def getIyy(self) -> float:
        return self._moments[1]

    def getIxy(self) -> float:
        return self._moments[2]


# lsst.cell_coadds


class UniformGrid:
    padding = 0

    def __init__(self, box: Box2I, size: Extent2I) -> None:
        self.bbox, self.cell_size = box, size
        whole = box.getDimensions()
        if whole.x % size.x or whole.y % size.y:
            raise IndexError("the box is not made of whole cells")
        self.shape = Extent2I(whole.x // size.x, whole.y // size.y)

    @classmethod
    def from_bbox_cell_size(cls, box: Box2I, size: Extent2I) -> UniformGrid:
        require(Box2I, box)
        require(Extent2I, size)
        return cls(box, size)


class GridContainer(dict[Any, Any]):
    def __init__(self, *, shape: Any) -> None:
        super().__init__()
        self.shape = shape


class StitchedPsf:
    def __init__(self, images: GridContainer, grid: UniformGrid) -> None:
        self.images, self.grid = images, grid


class StitchedApertureCorrection:
    def __init__(self, ugrid: UniformGrid, gc: GridContainer) -> None:
        self.ugrid, self.gc = ugrid, gc


class CoaddUnits(enum.Enum):
    legacy = enum.auto()
    nJy = enum.auto()
    chi = enum.auto()


@dataclasses.dataclass(frozen=True)
class PatchIdentifiers:
    skymap: str
    tract: int
    patch: Index2D
    band: str | None


@dataclasses.dataclass(frozen=True)
class CellIdentifiers(PatchIdentifiers):
    cell: Index2D


@dataclasses.dataclass(frozen=True)
class ObservationIdentifiers:
    instrument: str
    physical_filter: str
    visit: int
    day_obs: int
    detector: int

    def __post_init__(self) -> None:
        require(int, self.visit, self.day_obs, self.detector)
        require(str, self.instrument, self.physical_filter)


@dataclasses.dataclass(frozen=True)
class CommonComponents:
    units: CoaddUnits
    wcs: SkyWcs
    band: str | None
    identifiers: PatchIdentifiers
    visit_polygons: Mapping[ObservationIdentifiers, AfwPolygon]


@dataclasses.dataclass(frozen=True)
class CoaddInputs:
    overlaps_center: bool
    overlap_fraction: float
    weight: float
    psf_shape: Quadrupole
    psf_shape_flag: bool


class OwnedImagePlanes:
    def __init__(
        self,
        *,
        image: Any,
        mask: Any,
        variance: Any,
        mask_fractions: Any = None,
        noise_realizations: tuple[Any, ...] = (),
    ) -> None:
        require(ImageF, image, variance, *noise_realizations)
        require(Mask, mask)
        if mask_fractions is not None:
            require(ImageF, mask_fractions)
        self.image, self.mask, self.variance = image, mask, variance
        self.mask_fractions, self.noise_realizations = mask_fractions, noise_realizations


class SingleCellCoadd:
    def __init__(
        self,
        outer: OwnedImagePlanes,
        *,
        psf: Any,
        inner_bbox: Box2I,
        inputs: Any,
        common: CommonComponents,
        identifiers: CellIdentifiers,
        aperture_correction_map: Mapping[str, float],
    ) -> None:
        require(OwnedImagePlanes, outer)
        require(ImageD, psf)
        require(Box2I, inner_bbox)
        require(ObservationIdentifiers, *inputs)
        require(CoaddInputs, *inputs.values())
        require(float, *aperture_correction_map.values())
        self.outer, self.psf_image, self.inner_bbox, self.inputs = outer, psf, inner_bbox, inputs
        self.common, self.identifiers = common, identifiers
        self.aperture_correction_map = dict(aperture_correction_map)


class MultipleCellCoadd:
    def __init__(
        self,
        cells: Any,
        grid: UniformGrid,
        outer_cell_size: Extent2I,
        psf_image_size: Extent2I,
        *,
        common: CommonComponents,
        inner_bbox: Box2I | None = None,
    ) -> None:
        require(UniformGrid, grid)
        require(Extent2I, outer_cell_size, psf_image_size)
        self.grid, self.common, self.inner_bbox = grid, common, inner_bbox or grid.bbox
        self.cells = GridContainer(shape=grid.shape)
        # Iteration is by column first, and some indices are NumPy integers.
        for cell in sorted(cells, key=lambda cell: (cell.identifiers.cell.x, cell.identifiers.cell.y)):
            index = cell.identifiers.cell
            self.cells[Index2D(np.int16(index.x), np.int16(index.y))] = cell  # type: ignore[arg-type]

    units = property(lambda self: self.common.units)
    wcs = property(lambda self: self.common.wcs)
    band = property(lambda self: self.common.band)
    identifiers = property(lambda self: self.common.identifiers)

    def stitch(self, bbox: Box2I | None = None) -> StitchedCoadd:
        return StitchedCoadd(self, self.inner_bbox if bbox is None else bbox)


class StitchedCoadd:
    """The pixels of all cells; missing cells have no data."""

    def __init__(self, parent: MultipleCellCoadd, box: Box2I) -> None:
        self._parent, self._box = parent, box
        self._first_cell: SingleCellCoadd = next(iter(parent.cells.values()))
        self._first: OwnedImagePlanes = self._first_cell.outer

    def _paste(self, fill: float, dtype: str, plane: Callable[[Any], Any]) -> np.ndarray:
        size, corner = self._box.getDimensions(), self._box.getMin()
        array = np.full((size.y, size.x), fill, dtype=dtype)
        for cell in self._parent.cells.values():
            x, y = cell.inner_bbox.x, cell.inner_bbox.y
            rows = slice(y.begin - corner.y, y.end - corner.y)
            columns = slice(x.begin - corner.x, x.end - corner.x)
            if min(rows.start, columns.start) >= 0 and rows.stop <= size.y and columns.stop <= size.x:
                array[rows, columns] = plane(cell.outer).array
        return array

    def _image(self, plane: Callable[[Any], Any], fill: float = 0.0) -> Any:
        return ImageF(self._paste(fill, "f4", plane), deep=False, xy0=self._box.getMin())

    image = property(lambda self: self._image(operator.attrgetter("image")))
    variance = property(lambda self: self._image(operator.attrgetter("variance"), np.inf))

    @property
    def mask(self) -> Mask:
        planes = self._first.mask.getMaskPlaneDict()
        mask = Mask(self._box, planes)
        mask.array[...] = self._paste(1 << planes["NO_DATA"], "i4", operator.attrgetter("mask"))
        return mask

    @property
    def mask_fractions(self) -> Any:
        return self._first.mask_fractions and self._image(operator.attrgetter("mask_fractions"))

    @property
    def noise_realizations(self) -> list[Any]:
        number = len(self._first.noise_realizations)
        return [self._image(lambda outer, n=n: outer.noise_realizations[n]) for n in range(number)]

    @property
    def ap_corr_map(self) -> dict[str, StitchedApertureCorrection]:
        found: dict[str, StitchedApertureCorrection] = {}
        for name in self._first_cell.aperture_correction_map:
            container = GridContainer(shape=self._parent.grid.shape)
            for index, cell in self._parent.cells.items():
                # Every cell must have every correction.
                container[index] = cell.aperture_correction_map[name]
            found[name] = StitchedApertureCorrection(self._parent.grid, container)
        return found


def make_box(x0: int, y0: int, width: int, height: int) -> Box2I:
    return Box2I(x=IntervalI(min=x0, max=x0 + width - 1), y=IntervalI(min=y0, max=y0 + height - 1))


CELL_COADDS = {
    kind.__name__: kind
    for kind in (
        UniformGrid,
        GridContainer,
        StitchedPsf,
        StitchedApertureCorrection,
        CoaddUnits,
        PatchIdentifiers,
        CellIdentifiers,
        ObservationIdentifiers,
        CommonComponents,
        CoaddInputs,
        OwnedImagePlanes,
        SingleCellCoadd,
        MultipleCellCoadd,
    )
}
