# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Fake modules of the LSST Science Pipelines, with the same rules.

They accept and reject the same arguments as the real packages: strict types of arguments, arrays
that are writeable and in order, a dictionary of mask planes for the process.
"""

from __future__ import annotations

import math
import sys
import types
from typing import Any

import numpy as np
import pytest

from helpers.afw_fakes_camera import CAMERA_GEOM
from helpers.afw_fakes_cells import CELL_COADDS, Index2D, Quadrupole
from helpers.afw_fakes_geom import (
    AfwPolygon,
    Angle,
    Box2D,
    Box2I,
    Extent2D,
    Extent2I,
    FrameDict,
    FrameSet,
    IntervalI,
    InvalidParameterError,
    LogicError,
    Mapping,
    PexRuntimeError,
    Point2D,
    Point2I,
    Point3D,
    SkyWcs,
    SpherePoint,
    TransformPoint2ToPoint2,
    require,
)
from helpers.afw_fakes_image import (
    DEFAULT_PLANES,
    IMAGES,
    ApCorrMap,
    DateTime,
    Exposure,
    ExposureSummaryStats,
    FilterLabel,
    Image,
    Mask,
    MaskedImage,
    Observatory,
    PhotoCalib,
    PropertyList,
    RotType,
    VisitInfo,
    Weather,
)

# lsst.afw.math


class ChebyshevBoundedField:
    def __init__(self, box: Box2I, coefficients: Any) -> None:
        require(Box2I, box)
        contiguous = isinstance(coefficients, np.ndarray) and coefficients.flags.c_contiguous
        if not contiguous or coefficients.dtype != np.float64 or coefficients.ndim != 2:
            raise TypeError("incompatible constructor arguments")
        self._box, self._coefficients = box, coefficients

    def getBBox(self) -> Box2I:
        return self._box

    def getCoefficients(self) -> np.ndarray:
        view = self._coefficients.view()
        view.flags.writeable = False
        return view

    def evaluate(self, point: Point2D) -> float:
        require(Point2D, point)
        box = self._box
        # The box of the pixels' areas is mapped to [-1, 1].
        x, y = (
            (2 * value - axis.min - axis.max) / (axis.max - axis.min + 1)
            for value, axis in ((point.x, box.x), (point.y, box.y))
        )
        return float(np.polynomial.chebyshev.chebval2d(y, x, self._coefficients))

    def scaled(self, factor: float) -> ChebyshevBoundedField:
        return ChebyshevBoundedField(self._box, self._coefficients * factor)


class ProductBoundedField:
    def __init__(self, factors: list[Any]) -> None:
        if not factors:
            raise ValueError("LengthError")
        self._factors = list(factors)

    def getFactors(self) -> list[Any]:
        return self._factors

    def getBBox(self) -> Box2I:
        return self._factors[0].getBBox()

    def scaled(self, factor: float) -> ProductBoundedField:
        return ProductBoundedField([self._factors[0].scaled(factor), *self._factors[1:]])


class CoaddBoundedFieldElement:
    def __init__(self, field: Any, wcs: SkyWcs, validPolygon: AfwPolygon | None, weight: float) -> None:
        require(SkyWcs, wcs)
        require(float, weight)
        if validPolygon is not None:
            require(AfwPolygon, validPolygon)
        self.field, self.wcs, self.validPolygon, self.weight = field, wcs, validPolygon, weight


class CoaddBoundedField:
    def __init__(
        self, box: Box2I, wcs: SkyWcs, elements: list[CoaddBoundedFieldElement], default: float = 0.0
    ) -> None:
        require(Box2I, box)
        require(SkyWcs, wcs)
        require(CoaddBoundedFieldElement, *elements)
        require(float, default)
        self._box, self._wcs, self._elements, self._default = box, wcs, list(elements), default

    def getBBox(self) -> Box2I:
        return self._box

    def getCoaddWcs(self) -> SkyWcs:
        return self._wcs

    def getElements(self) -> list[CoaddBoundedFieldElement]:
        return list(self._elements)

    def getDefault(self) -> float:
        return self._default


class Chebyshev1Function2D:
    def __init__(self, parameters: list[float], area: Box2D) -> None:
        require(Box2D, area)
        require(float, *parameters)
        self._order = (math.isqrt(8 * len(parameters) + 1) - 3) // 2
        if (self._order + 1) * (self._order + 2) // 2 != len(parameters):
            raise ValueError("wrong number of parameters")
        self._parameters, self._area = list(parameters), area

    def getParameters(self) -> list[float]:
        return list(self._parameters)

    def getOrder(self) -> int:
        return self._order

    def getXYRange(self) -> Box2D:
        return self._area


class FixedKernel:
    def __init__(self, image: Any) -> None:
        require(IMAGES["float64"], image)
        self._image = image
        height, width = image.array.shape
        self._center = Point2I(width // 2, height // 2)

    def setCtr(self, point: Point2I) -> None:
        require(Point2I, point)
        self._center = point

    def getCtr(self) -> Point2I:
        return self._center

    def getDimensions(self) -> Extent2I:
        return self._image.getBBox().getDimensions()

    def computeImage(self, image: Any, normalize: bool, x: float = 0.0, y: float = 0.0) -> float:
        require(IMAGES["float64"], image)
        image.array[...] = self._image.array
        return float(self._image.array.sum())


class LinearCombinationKernel:
    def __init__(self, kernels: list[Any], functions: list[Any]) -> None:
        assert kernels, "this crashes the process"
        if len(kernels) != len(functions):
            raise ValueError("counts must match")
        self._kernels, self._functions = list(kernels), list(functions)
        self._center = kernels[0].getCtr()

    setCtr = FixedKernel.setCtr
    getCtr = FixedKernel.getCtr

    def getDimensions(self) -> Extent2I:
        return self._kernels[0].getDimensions()

    def getKernelList(self) -> list[Any]:
        return list(self._kernels)

    def getSpatialFunctionList(self) -> list[Any]:
        return list(self._functions)


class BackgroundMI:
    def __init__(self, box: Box2I, stats: MaskedImage) -> None:
        self._box, self._stats = box, stats

    def getImageBBox(self) -> Box2I:
        return self._box

    def getStatsImage(self) -> MaskedImage:
        return self._stats

    def getAsUsedInterpStyle(self) -> int:
        return 5


class BackgroundList(list[Any]):
    pass


# PSFs


class Psf:
    def writeFits(self, path: str) -> None:
        raise LogicError(f"File src/table/io/Persistable.cc\n{type(self).__name__} is not persistable")


class GaussianPsf(Psf):
    def __init__(self, width: int, height: int, sigma: float) -> None:
        require(int, width, height)
        if not (width % 2 and height % 2):
            raise ValueError("even sizes")
        self._size, self._sigma = width, sigma

    def _image(self, x0: int, y0: int, x: float, y: float) -> Any:
        row, column = np.mgrid[: self._size, : self._size].astype(float)
        values = np.exp(-0.5 * ((row + y0 - y) ** 2 + (column + x0 - x) ** 2) / self._sigma**2)
        return IMAGES["float64"](values / values.sum(), xy0=Point2I(x0, y0))

    def computeKernelImage(self, position: Point2D) -> Any:
        require(Point2D, position)
        return self._image(-(self._size // 2), -(self._size // 2), 0.0, 0.0)

    def computeImage(self, position: Point2D) -> Any:
        require(Point2D, position)
        x0, y0 = (math.floor(p + 0.5) - self._size // 2 for p in (position.x, position.y))
        return self._image(x0, y0, position.x, position.y)

    def computeBBox(self, position: Point2D) -> Box2I:
        return self.computeKernelImage(position).getBBox()


class KernelPsf(Psf):
    def __init__(self, kernel: Any, average: Point2D | None = None) -> None:
        self._kernel = kernel
        self._average = Point2D(0.0, 0.0) if average is None else average
        require(Point2D, self._average)

    def getAveragePosition(self) -> Point2D:
        return self._average

    def getKernel(self) -> Any:
        return self._kernel


class PiffPsf(Psf):
    def __init__(self, width: Any, height: Any, piff_result: Any) -> None:
        self.width, self.height, self._piffResult = np.float64(width), np.float64(height), piff_result


MODULES: dict[str, dict[str, Any]] = {
    "lsst.geom": {
        kind.__name__: kind
        for kind in (
            Point2I,
            Point2D,
            Point3D,
            Extent2I,
            Extent2D,
            IntervalI,
            Box2I,
            Box2D,
            Angle,
            SpherePoint,
        )
    },
    "lsst.afw": {},
    "lsst.afw.image": {
        **{
            kind.__name__: kind
            for kind in (
                Image,
                Mask,
                MaskedImage,
                Exposure,
                FilterLabel,
                PhotoCalib,
                ApCorrMap,
                RotType,
                VisitInfo,
                ExposureSummaryStats,
            )
        },
        **{kind.__name__: kind for kind in IMAGES.values()},
    },
    "lsst.afw.geom": {
        "SkyWcs": SkyWcs,
        "TransformPoint2ToPoint2": TransformPoint2ToPoint2,
        "Polygon": AfwPolygon,
    },
    "lsst.afw.geom.ellipses": {"Quadrupole": Quadrupole},
    "lsst.afw.math": {
        kind.__name__: kind
        for kind in (
            ChebyshevBoundedField,
            ProductBoundedField,
            Chebyshev1Function2D,
            FixedKernel,
            LinearCombinationKernel,
        )
    },
    "lsst.afw.coord": {"Observatory": Observatory, "Weather": Weather},
    "lsst.afw.detection": {"Psf": Psf, "GaussianPsf": GaussianPsf},
    "lsst.afw.cameraGeom": CAMERA_GEOM,
    "lsst.pex": {},
    "lsst.pex.exceptions": {
        "LogicError": LogicError,
        "InvalidParameterError": InvalidParameterError,
        "RuntimeError": PexRuntimeError,
    },
    "lsst.daf.base": {"PropertyList": PropertyList, "DateTime": DateTime},
    "lsst.meas": {},
    "lsst.meas.algorithms": {
        "KernelPsf": KernelPsf,
        "CoaddBoundedField": CoaddBoundedField,
        "CoaddBoundedFieldElement": CoaddBoundedFieldElement,
    },
    "lsst.meas.extensions": {},
    "lsst.meas.extensions.piff": {},
    "lsst.meas.extensions.piff.piffPsf": {"PiffPsf": PiffPsf},
    "lsst.cell_coadds": CELL_COADDS,
    "lsst.skymap": {"Index2D": Index2D},
    "astshim": {"Mapping": Mapping, "FrameSet": FrameSet, "FrameDict": FrameDict},
}


def install(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make the fake modules importable, and reset their global state."""
    for name, members in MODULES.items():
        module = types.ModuleType(name)
        module.__dict__.update(members)
        monkeypatch.setitem(sys.modules, name, module)
    monkeypatch.setattr(Mask, "planes", {name: bit for bit, name in enumerate(DEFAULT_PLANES)})
