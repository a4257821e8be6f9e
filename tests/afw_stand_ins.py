# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Stand-ins for packages of the LSST stack, with the rules that these enforce.

They accept and reject what the real ones do: strict types of arguments, arrays
that are writeable and in order, a dictionary of mask planes for the process.
"""

from __future__ import annotations

import dataclasses
import enum
import math
import sys
import types
from typing import Any

import numpy as np
import pytest
import starlink.Ast


def _only(kind: type, *values: Any) -> None:
    for value in values:
        if type(value) is not kind:
            raise TypeError(f"incompatible function arguments: {value!r} is no {kind.__name__}")


# lsst.geom


class _Pair:
    kind: type = float

    def __init__(self, x: Any, y: Any) -> None:
        _only(self.kind, x, y)
        self.x, self.y = x, y

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and (self.x, self.y) == (other.x, other.y)  # type: ignore[attr-defined]

    __hash__ = None  # type: ignore[assignment]

    def __getitem__(self, n: int) -> Any:
        return (self.x, self.y)[n]


class Point2D(_Pair):
    pass


class Extent2D(_Pair):
    pass


class Point2I(_Pair):
    kind = int


class Extent2I(_Pair):
    kind = int


class Point3D:
    def __init__(self, x: float, y: float, z: float) -> None:
        _only(float, x, y, z)
        self.x, self.y, self.z = x, y, z


class IntervalI:
    def __init__(self, *, min: int, max: int) -> None:
        _only(int, min, max)
        self.min, self.max, self.begin, self.end = min, max, min, max + 1


class Box2I:
    def __init__(self, *, x: IntervalI, y: IntervalI) -> None:
        _only(IntervalI, x, y)
        self.x, self.y = x, y

    def getDimensions(self) -> Extent2I:
        return Extent2I(self.x.end - self.x.begin, self.y.end - self.y.begin)

    def getMin(self) -> Point2I:
        return Point2I(self.x.min, self.y.min)


class Box2D:
    def __init__(self, box: Box2I) -> None:
        _only(Box2I, box)
        self._edges = (box.x.min - 0.5, box.x.max + 0.5, box.y.min - 0.5, box.y.max + 0.5)

    def getMinX(self) -> float:
        return self._edges[0]

    def getMaxX(self) -> float:
        return self._edges[1]

    def getMinY(self) -> float:
        return self._edges[2]

    def getMaxY(self) -> float:
        return self._edges[3]


class Angle:
    def __init__(self, radians: float) -> None:
        self._radians = float(radians)

    def asRadians(self) -> float:
        return self._radians

    def asDegrees(self) -> float:
        return math.degrees(self._radians)


class SpherePoint:
    def __init__(self, lon: Angle, lat: Angle) -> None:
        _only(Angle, lon, lat)
        self._angles = (lon, lat)

    def __getitem__(self, n: int) -> Angle:
        return self._angles[n]


# astshim


class _AstObject:
    def __init__(self, text: str) -> None:
        class Source:
            lines = iter(text.splitlines())

            def astsource(self) -> str | None:
                return next(self.lines, None)

        self.ast = starlink.Ast.Channel(Source()).read()
        if self.ast is None:
            raise RuntimeError("Failed with AST status")

    @classmethod
    def fromString(cls, text: str) -> Any:
        return cls(text)

    def show(self) -> str:
        return str(self.ast)


class Mapping(_AstObject):
    pass


class FrameSet(_AstObject):
    pass


class FrameDict(_AstObject):
    def __init__(self, frame_set: FrameSet) -> None:
        _only(FrameSet, frame_set)
        self.ast = frame_set.ast.copy()


# lsst.afw.geom


class SkyWcs:
    def __init__(self, frame_dict: FrameDict) -> None:
        _only(FrameDict, frame_dict)
        ast = frame_dict.ast
        domains = [ast.getframe(n + 1).Domain for n in range(ast.Nframe)]
        if not {"PIXELS", "IWC", "SKY"} <= set(domains):
            raise TypeError(f"SkyWcs needs PIXELS, IWC and SKY, not {domains}")
        if domains[ast.Base - 1] not in ("PIXELS", "ACTUAL_PIXELS") or domains[ast.Current - 1] != "SKY":
            raise TypeError("SkyWcs must go from PIXELS to SKY")
        self._ast = ast
        self._approximation: Any = None

    def getFrameDict(self) -> FrameDict:
        return FrameDict(FrameSet(str(self._ast)))

    def hasFitsApproximation(self) -> bool:
        return self._approximation is not None

    def getFitsApproximation(self) -> Any:
        return self._approximation

    def copyWithFitsApproximation(self, other: Any) -> SkyWcs:
        result = SkyWcs(self.getFrameDict())
        result._approximation = other
        return result

    def pixelToSky(self, x: float, y: float) -> SpherePoint:
        ra, dec = self._ast.tran([[x], [y]], True)[:, 0]
        return SpherePoint(Angle(ra), Angle(dec))


class TransformPoint2ToPoint2:
    def __init__(self, mapping: Any, simplify: bool = True) -> None:
        if type(mapping) not in (Mapping, FrameSet):
            raise TypeError("a mapping of astshim is needed")
        self._mapping = mapping

    def getMapping(self) -> Any:
        return self._mapping


class AfwPolygon:
    def __init__(self, points: list[Point2D]) -> None:
        _only(Point2D, *points)
        area = sum(a.x * b.y - b.x * a.y for a, b in zip(points, points[1:] + points[:1], strict=True))
        clockwise = points if area < 0 else points[:1] + points[:0:-1]
        self._points = [*clockwise, clockwise[0]]

    def getVertices(self) -> list[Point2D]:
        return self._points


# lsst.afw.image

SUFFIXES = {"float32": "F", "float64": "D", "int32": "I", "uint16": "U", "uint64": "L"}


def _check_array(array: Any, dtype: np.dtype[Any]) -> None:
    if not isinstance(array, np.ndarray) or array.ndim != 2 or not array.size:
        raise TypeError("incompatible array")
    ordered = array.shape[1] == 1 or array.strides[1] == array.itemsize
    if array.dtype != dtype or not array.dtype.isnative or not array.flags.writeable or not ordered:
        raise TypeError("incompatible array")


class _Pixels:
    dtype: Any

    def __init__(self, array: Any, deep: bool = False, xy0: Point2I | None = None) -> None:
        _check_array(array, np.dtype(self.dtype))
        xy0 = Point2I(0, 0) if xy0 is None else xy0
        _only(Point2I, xy0)
        self._array = array.copy() if deep else array
        self._xy0 = xy0

    @property
    def array(self) -> np.ndarray:
        return self._array[...]

    def getBBox(self) -> Box2I:
        height, width = self._array.shape
        x0, y0 = self._xy0.x, self._xy0.y
        return Box2I(x=IntervalI(min=x0, max=x0 + width - 1), y=IntervalI(min=y0, max=y0 + height - 1))


class Image(_Pixels):
    def __new__(cls, array: Any = None, *, dtype: Any = None, **options: Any) -> Any:
        if cls is not Image:
            return super().__new__(cls)
        if not isinstance(dtype, np.dtype) or dtype.name not in SUFFIXES:
            raise TypeError("No registered subclass")
        made = object.__new__(IMAGES[dtype.name])
        made.__init__(array, **options)
        return made

    def __init__(self, array: Any, deep: bool = False, xy0: Point2I | None = None, **options: Any) -> None:
        if isinstance(array, Extent2I):
            array = np.zeros((array.y, array.x), dtype=self.dtype)
        super().__init__(array, deep, xy0)


IMAGES: dict[str, Any] = {
    name: type(f"Image{suffix}", (Image,), {"dtype": np.dtype(name).type})
    for name, suffix in SUFFIXES.items()
}

DEFAULT_PLANES = "BAD SAT INTRP CR EDGE DETECTED DETECTED_NEGATIVE SUSPECT NO_DATA VIGNETTED STREAK".split()


class Mask(_Pixels):
    dtype = np.int32
    planes: dict[str, int] = {}

    def __init__(self, box: Box2I, planes: dict[str, int] | None = None) -> None:
        _only(Box2I, box)
        size = box.getDimensions()
        super().__init__(np.zeros((size.y, size.x), dtype=np.int32), False, box.getMin())
        self._own = planes

    def getMaskPlaneDict(self) -> dict[str, int]:
        return dict(sorted((Mask.planes if self._own is None else self._own).items()))

    @staticmethod
    def addMaskPlane(name: str) -> int:
        if name not in Mask.planes:
            free = [bit for bit in range(32) if bit not in Mask.planes.values()]
            if not free:
                raise RuntimeError("Max number of planes (32) already used")
            Mask.planes[name] = free[0]
        return Mask.planes[name]

    @staticmethod
    def getPlaneBitMask(name: str) -> int:
        return 1 << Mask.planes[name]


class MaskedImage:
    def __new__(cls, image: Any, mask: Any = None, variance: Any = None, *, dtype: Any = None) -> Any:
        if cls is MaskedImage and (not isinstance(dtype, np.dtype) or dtype.name not in SUFFIXES):
            raise TypeError("No registered subclass")
        return super().__new__(cls)

    def __init__(self, image: Any, mask: Any, variance: Any, *, dtype: Any = None) -> None:
        _only(IMAGES[dtype.name], image)
        _only(Mask, mask)
        _only(IMAGES["float32"], variance)
        self.image, self.mask, self.variance = image, mask, variance

    def getBBox(self) -> Box2I:
        return self.image.getBBox()


class PropertyList(dict[str, Any]):
    def set(self, key: str, value: Any, comment: str = "") -> None:
        if isinstance(value, np.generic) and not isinstance(value, float):
            raise TypeError(f"unknown value type for {key}")
        self[key] = value

    def toDict(self) -> dict[str, Any]:
        return dict(self)


_COMPONENTS = (
    "Id Wcs Psf PhotoCalib Detector ValidPolygon Filter ApCorrMap VisitInfo SummaryStats TransmissionCurve "
    "CoaddInputs"
).split()


class ExposureInfo:
    def __init__(self) -> None:
        self._found: dict[str, Any] = {}


def _add_component(name: str) -> None:
    def get(self: ExposureInfo) -> Any:
        return self._found.get(name)

    def put(self: ExposureInfo, value: Any) -> None:
        self._found[name] = value

    setattr(ExposureInfo, f"get{name}", get)
    setattr(ExposureInfo, f"set{name}", put)


for _name in _COMPONENTS:
    _add_component(_name)


class Exposure:
    def __init__(self, masked_image: MaskedImage, *, dtype: Any) -> None:
        _only(MaskedImage, masked_image)
        if not isinstance(dtype, np.dtype):
            raise TypeError("No registered subclass")
        self.maskedImage = masked_image
        self.info: Any = ExposureInfo()
        self.metadata: Any = PropertyList()

    image = property(lambda self: self.maskedImage.image)
    mask = property(lambda self: self.maskedImage.mask)
    variance = property(lambda self: self.maskedImage.variance)

    def getBBox(self) -> Box2I:
        return self.maskedImage.getBBox()

    def setMetadata(self, metadata: Any) -> None:
        _only(PropertyList, metadata)
        self.metadata = metadata

    def getWcs(self) -> Any:
        return self.info.getWcs()

    def getPsf(self) -> Any:
        return self.info.getPsf()

    def getDetector(self) -> Any:
        return self.info.getDetector()


class FilterLabel:
    def __init__(self, band: str | None = None, physical: str | None = None) -> None:
        if band is None and physical is None:
            raise ValueError("a filter needs a name")
        self._band, self._physical = band, physical

    def hasBandLabel(self) -> bool:
        return self._band is not None

    def hasPhysicalLabel(self) -> bool:
        return self._physical is not None

    @property
    def bandLabel(self) -> str:
        if self._band is None:
            raise RuntimeError("no band")
        return self._band

    @property
    def physicalLabel(self) -> str:
        if self._physical is None:
            raise RuntimeError("no physical filter")
        return self._physical


class PhotoCalib:
    def __init__(self, mean: Any, error: float = 0.0, field: Any = None, constant: bool = True) -> None:
        _only(float, mean, error)
        if mean < 0:
            raise ValueError("a negative mean")
        assert constant or field is not None, "this crashes the process"
        self._mean, self._error, self._field, self._isConstant = mean, error, field, constant

    def getCalibrationMean(self) -> float:
        return float(self._mean)

    def getCalibrationErr(self) -> float:
        return float(self._error)

    def computeScaledCalibration(self) -> Any:
        return self._field.scaled(1.0 / self._mean)


class ApCorrMap:
    def __init__(self) -> None:
        self._fields: dict[str, Any] = {}

    def __setitem__(self, name: str, field: Any) -> None:
        # Assigning again does nothing, and does not say so.
        self._fields.setdefault(name, field)

    def items(self) -> Any:
        return sorted(self._fields.items())


class RotType(enum.Enum):
    UNKNOWN = 0
    SKY = 1
    HORIZON = 2
    MOUNT = 3


class DateTime:
    TAI = "TAI"

    def __init__(self, nanoseconds: int, scale: str) -> None:
        _only(int, nanoseconds)
        self._nanoseconds = nanoseconds

    def isValid(self) -> bool:
        return True

    def nsecs(self) -> int:
        return self._nanoseconds


class Observatory:
    def __init__(self, lon: Angle, lat: Angle, elevation: float) -> None:
        _only(Angle, lon, lat)
        self._values = (lon, lat, elevation)

    def getLongitude(self) -> Angle:
        return self._values[0]

    def getLatitude(self) -> Angle:
        return self._values[1]

    def getElevation(self) -> float:
        return self._values[2]


class Weather:
    def __init__(self, temperature: float, pressure: float, humidity: float) -> None:
        _only(float, temperature, pressure, humidity)
        self._values = (temperature, pressure, humidity)

    def getAirTemperature(self) -> float:
        return self._values[0]

    def getAirPressure(self) -> float:
        return self._values[1]

    def getHumidity(self) -> float:
        return self._values[2]


_NAN = math.nan


class VisitInfo:
    def __init__(
        self,
        exposureTime: float = _NAN,
        darkTime: float = _NAN,
        date: Any = None,
        ut1: float = _NAN,
        era: Any = None,
        boresightRaDec: Any = None,
        boresightAzAlt: Any = None,
        boresightAirmass: float = _NAN,
        boresightRotAngle: Any = None,
        rotType: RotType = RotType.UNKNOWN,
        observatory: Any = None,
        weather: Any = None,
        instrumentLabel: str = "",
        id: int = 0,
        focusZ: float = _NAN,
        observationType: str = "",
        scienceProgram: str = "",
        observationReason: str = "",
        object: str = "",
        hasSimulatedContent: bool = False,
    ) -> None:
        _only(float, exposureTime, darkTime, ut1, boresightAirmass, focusZ)
        _only(str, instrumentLabel, observationType, scienceProgram, observationReason, object)
        nowhere = SpherePoint(Angle(_NAN), Angle(_NAN))
        values = dict(locals())
        values["era"] = era or Angle(_NAN)
        values["boresightRaDec"] = boresightRaDec or nowhere
        values["boresightAzAlt"] = boresightAzAlt or nowhere
        values["boresightRotAngle"] = boresightRotAngle or Angle(_NAN)
        values["observatory"] = observatory or Observatory(Angle(_NAN), Angle(_NAN), _NAN)
        values["weather"] = weather or Weather(_NAN, _NAN, _NAN)
        self.__dict__.update({key: value for key, value in values.items() if key not in ("self", "nowhere")})


@dataclasses.dataclass
class ExposureSummaryStats:
    version: int = 0
    psfSigma: float = _NAN
    nPsfStar: int = 0
    raCorners: list[float] = dataclasses.field(default_factory=lambda: [_NAN] * 4)


# lsst.afw.math


class ChebyshevBoundedField:
    def __init__(self, box: Box2I, coefficients: Any) -> None:
        _only(Box2I, box)
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


class Chebyshev1Function2D:
    def __init__(self, parameters: list[float], area: Box2D) -> None:
        _only(Box2D, area)
        _only(float, *parameters)
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
        _only(IMAGES["float64"], image)
        self._image = image
        height, width = image.array.shape
        self._center = Point2I(width // 2, height // 2)

    def setCtr(self, point: Point2I) -> None:
        _only(Point2I, point)
        self._center = point

    def getCtr(self) -> Point2I:
        return self._center

    def getDimensions(self) -> Extent2I:
        return self._image.getBBox().getDimensions()

    def computeImage(self, image: Any, normalize: bool, x: float = 0.0, y: float = 0.0) -> float:
        _only(IMAGES["float64"], image)
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
    pass


class GaussianPsf(Psf):
    def __init__(self, width: int, height: int, sigma: float) -> None:
        _only(int, width, height)
        if not (width % 2 and height % 2):
            raise ValueError("even sizes")
        self._size, self._sigma = width, sigma

    def _image(self, x0: int, y0: int, x: float, y: float) -> Any:
        row, column = np.mgrid[: self._size, : self._size].astype(float)
        values = np.exp(-0.5 * ((row + y0 - y) ** 2 + (column + x0 - x) ** 2) / self._sigma**2)
        return IMAGES["float64"](values / values.sum(), xy0=Point2I(x0, y0))

    def computeKernelImage(self, position: Point2D) -> Any:
        _only(Point2D, position)
        return self._image(-(self._size // 2), -(self._size // 2), 0.0, 0.0)

    def computeImage(self, position: Point2D) -> Any:
        _only(Point2D, position)
        x0, y0 = (math.floor(p + 0.5) - self._size // 2 for p in (position.x, position.y))
        return self._image(x0, y0, position.x, position.y)

    def computeBBox(self, position: Point2D) -> Box2I:
        return self.computeKernelImage(position).getBBox()


class KernelPsf(Psf):
    def __init__(self, kernel: Any) -> None:
        self._kernel = kernel

    def getKernel(self) -> Any:
        return self._kernel


class PiffPsf(Psf):
    def __init__(self, width: Any, height: Any, piff_result: Any) -> None:
        self.width, self.height, self._piffResult = np.float64(width), np.float64(height), piff_result


# lsst.afw.cameraGeom


class ReadoutCorner(enum.Enum):
    LL = 0
    LR = 1
    UR = 2
    UL = 3


class DetectorType(enum.Enum):
    SCIENCE = 0
    FOCUS = 1
    GUIDER = 2
    WAVEFRONT = 3


class Orientation:
    def __init__(self, place: Point3D, reference: Point2D, yaw: Angle, pitch: Angle, roll: Angle) -> None:
        _only(Point3D, place)
        _only(Point2D, reference)
        _only(Angle, yaw, pitch, roll)
        self._values = (place, reference, yaw, pitch, roll)

    def getFpPosition3(self) -> Point3D:
        return self._values[0]

    def getReferencePoint(self) -> Point2D:
        return self._values[1]

    def getYaw(self) -> Angle:
        return self._values[2]

    def getPitch(self) -> Angle:
        return self._values[3]

    def getRoll(self) -> Angle:
        return self._values[4]


class _Bag:
    """Anything with ``setX`` and ``getX``."""

    FIELDS: dict[str, type] = {}

    def __init__(self) -> None:
        self.values: dict[str, Any] = {}

    def __getattr__(self, name: str) -> Any:
        kind, field = name[:3], name[3:]
        if kind not in ("get", "set") or field not in self.FIELDS:
            raise AttributeError(name)
        if kind == "get":
            return lambda: self.values.get(field)

        def put(value: Any) -> None:
            _only(self.FIELDS[field], value)
            self.values[field] = value

        return put


class Amplifier:
    class Builder(_Bag):
        FIELDS = {
            "Name": str,
            "BBox": Box2I,
            "ReadoutCorner": ReadoutCorner,
            "Gain": float,
            "ReadNoise": float,
            "Saturation": float,
            "SuspectLevel": float,
            "LinearityType": str,
            "LinearityCoeffs": np.ndarray,
            "RawBBox": Box2I,
            "RawDataBBox": Box2I,
            "RawFlipX": bool,
            "RawFlipY": bool,
            "RawXYOffset": Extent2I,
            "RawHorizontalOverscanBBox": Box2I,
            "RawVerticalOverscanBBox": Box2I,
            "RawPrescanBBox": Box2I,
        }


class Detector(_Bag):
    FIELDS = {
        "Name": str,
        "Id": int,
        "BBox": Box2I,
        "PixelSize": Extent2D,
        "Orientation": Orientation,
        "Type": DetectorType,
        "Serial": str,
        "PhysicalType": str,
    }

    def __init__(self, name: str, id: int) -> None:
        super().__init__()
        self.values |= {"Name": name, "Id": id}
        self.amplifiers: list[Any] = []
        self.camera: Any = None

    def append(self, builder: Any) -> None:
        _only(Amplifier.Builder, builder)
        self.amplifiers.append(builder)

    def getAmplifiers(self) -> list[Any]:
        return self.amplifiers

    def getTransformMap(self) -> Any:
        return self.camera

    def to_focal_plane(self) -> Any:
        """Make a mapping of pixels, without pitch and roll."""
        orientation = self.values["Orientation"]
        place, reference = orientation.getFpPosition3(), orientation.getReferencePoint()
        size, yaw = self.values["PixelSize"], orientation.getYaw().asRadians()
        shift = starlink.Ast.ShiftMap([-reference.x, -reference.y])
        cos, sin = math.cos(yaw), math.sin(yaw)
        rotate = starlink.Ast.MatrixMap([[cos * size.x, -sin * size.y], [sin * size.x, cos * size.y]])
        move = starlink.Ast.ShiftMap([place.x, place.y])
        return starlink.Ast.CmpMap(starlink.Ast.CmpMap(shift, rotate, True), move, True)


class Camera(dict[str, Any]):
    class Builder:
        def __init__(self, name: str) -> None:
            self.camera = Camera()
            self.camera.name = name

        def add(self, name: str, id: int) -> Detector:
            _only(int, id)
            detector = self.camera[name] = Detector(name, id)
            detector.camera = self.camera
            return detector

        def setTransformFromFocalPlaneTo(self, system: str, transform: Any) -> None:
            _only(TransformPoint2ToPoint2, transform)
            self.camera.field_angle = transform

        def finish(self) -> Camera:
            return self.camera

    name: str
    field_angle: Any

    def getName(self) -> str:
        return self.name

    def getTransformMap(self) -> Camera:
        return self

    def __iter__(self) -> Any:
        return iter(self.values())

    def makeFrameSet(self, detectors: list[Detector], unit: str = "mm") -> Any:
        frames = starlink.Ast.FrameSet(starlink.Ast.Frame(2, "Ident=FOCAL_PLANE,Unit(1)=mm,Unit(2)=mm"))
        angles = starlink.Ast.Frame(2, "Ident=FIELD_ANGLE,Unit(1)=rad,Unit(2)=rad")
        frames.addframe(1, self.field_angle.getMapping().ast, angles)
        for detector in detectors:
            mapping = detector.to_focal_plane()
            mapping.invert()
            box = detector.values["BBox"]
            limits = f"Bottom(1)={box.x.min},Top(1)={box.x.max},Bottom(2)={box.y.min},Top(2)={box.y.max}"
            ident = f"DETECTOR_{detector.values['Id']:03d}"
            frame = starlink.Ast.Frame(2, f"Ident={ident},Unit(1)=pix,Unit(2)=pix,{limits}")
            frames.addframe(1, mapping, frame)
        return FrameSet(str(frames))


# lsst.cell_coadds and lsst.skymap


@dataclasses.dataclass(frozen=True)
class Index2D:
    x: int
    y: int


class UniformGrid:
    padding = 0

    def __init__(self, box: Box2I, size: Extent2I) -> None:
        self.bbox, self.cell_size = box, size
        whole = box.getDimensions()
        self.shape = Extent2I(whole.x // size.x, whole.y // size.y)

    @classmethod
    def from_bbox_cell_size(cls, box: Box2I, size: Extent2I) -> UniformGrid:
        _only(Box2I, box)
        _only(Extent2I, size)
        return cls(box, size)


class GridContainer(dict[Any, Any]):
    def __init__(self, *, shape: Any) -> None:
        super().__init__()
        self.shape = shape


class StitchedPsf(Psf):
    def __init__(self, images: GridContainer, grid: UniformGrid) -> None:
        self.images, self.grid = images, grid


class StitchedApertureCorrection:
    def __init__(self, ugrid: UniformGrid, gc: GridContainer) -> None:
        self.ugrid, self.gc = ugrid, gc


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
    "lsst.afw.cameraGeom": {
        "ReadoutCorner": ReadoutCorner,
        "DetectorType": DetectorType,
        "Orientation": Orientation,
        "Amplifier": Amplifier,
        "Camera": Camera,
        "FIELD_ANGLE": "FieldAngle",
    },
    "lsst.daf.base": {"PropertyList": PropertyList, "DateTime": DateTime},
    "lsst.meas": {},
    "lsst.meas.algorithms": {"KernelPsf": KernelPsf},
    "lsst.meas.extensions": {},
    "lsst.meas.extensions.piff": {},
    "lsst.meas.extensions.piff.piffPsf": {"PiffPsf": PiffPsf},
    "lsst.cell_coadds": {
        "UniformGrid": UniformGrid,
        "GridContainer": GridContainer,
        "StitchedPsf": StitchedPsf,
        "StitchedApertureCorrection": StitchedApertureCorrection,
    },
    "lsst.skymap": {"Index2D": Index2D},
    "astshim": {"Mapping": Mapping, "FrameSet": FrameSet, "FrameDict": FrameDict},
}


def install(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make the stand-ins importable, and reset what a process shares."""
    for name, members in MODULES.items():
        module = types.ModuleType(name)
        module.__dict__.update(members)
        monkeypatch.setitem(sys.modules, name, module)
    monkeypatch.setattr(Mask, "planes", {name: bit for bit, name in enumerate(DEFAULT_PLANES)})
