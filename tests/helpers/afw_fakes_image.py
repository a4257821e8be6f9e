# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Fake modules of `lsst.afw.image` and its dependencies; see `afw_fakes`."""

from __future__ import annotations

import dataclasses
import enum
import math
from typing import Any

import numpy as np

from helpers.afw_fakes_geom import Angle, Box2I, Extent2I, IntervalI, Point2I, SpherePoint, require

# lsst.afw.image

SUFFIXES = {"float32": "F", "float64": "D", "int32": "I", "uint16": "U", "uint64": "L"}


def _check_array(array: Any, dtype: np.dtype[Any]) -> None:
    if not isinstance(array, np.ndarray) or array.ndim != 2 or not array.size:
        raise TypeError("incompatible array")
    ordered = array.strides[1] == array.itemsize
    if array.dtype != dtype or not array.dtype.isnative or not array.flags.writeable or not ordered:
        raise TypeError("incompatible array")


class _Pixels:
    dtype: Any

    def __init__(self, array: Any, deep: bool = False, xy0: Point2I | None = None) -> None:
        _check_array(array, np.dtype(self.dtype))
        xy0 = Point2I(0, 0) if xy0 is None else xy0
        require(Point2I, xy0)
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
        require(Box2I, box)
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
        require(IMAGES[dtype.name], image)
        require(Mask, mask)
        require(IMAGES["float32"], variance)
        self.image, self.mask, self.variance = image, mask, variance

    def getBBox(self) -> Box2I:
        return self.image.getBBox()


class PropertyList(dict[str, Any]):
    def __init__(self) -> None:
        super().__init__()
        self.comments: dict[str, str] = {}

    def set(self, key: str, value: Any, comment: str = "") -> None:
        values = value if isinstance(value, list) else [value]
        kinds = {type(item) for item in values}
        if len(kinds) != 1 or not kinds <= {int, float, str, bool, type(None)}:
            raise TypeError(f"unknown value type for {key}")
        self[key] = value
        self.comments[key] = comment

    def getComment(self, key: str) -> str:
        return self.comments.get(key, "")

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
        require(MaskedImage, masked_image)
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
        require(PropertyList, metadata)
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

    def __eq__(self, other: object) -> bool:
        return isinstance(other, FilterLabel) and vars(self) == vars(other)

    __hash__ = None  # type: ignore[assignment]

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
        require(float, mean, error)
        if mean < 0:
            raise ValueError("a negative mean")
        assert constant or field is not None, "this crashes the process"
        self._mean, self._error, self._field, self._isConstant = mean, error, field, constant

    def __eq__(self, other: object) -> bool:
        return isinstance(other, PhotoCalib) and vars(self) == vars(other)

    __hash__ = None  # type: ignore[assignment]

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
        # A second assignment is ignored silently.
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
        require(int, nanoseconds)
        self._nanoseconds = nanoseconds

    def __eq__(self, other: object) -> bool:
        return isinstance(other, DateTime) and self._nanoseconds == other._nanoseconds

    __hash__ = None  # type: ignore[assignment]

    def isValid(self) -> bool:
        return True

    def nsecs(self) -> int:
        return self._nanoseconds


class Observatory:
    def __init__(self, lon: Angle, lat: Angle, elevation: float) -> None:
        require(Angle, lon, lat)
        self._values = (lon, lat, elevation)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Observatory) and self._values == other._values

    __hash__ = None  # type: ignore[assignment]

    def getLongitude(self) -> Angle:
        return self._values[0]

    def getLatitude(self) -> Angle:
        return self._values[1]

    def getElevation(self) -> float:
        return self._values[2]


class Weather:
    def __init__(self, temperature: float, pressure: float, humidity: float) -> None:
        require(float, temperature, pressure, humidity)
        self._values = (temperature, pressure, humidity)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Weather) and self._values == other._values

    __hash__ = None  # type: ignore[assignment]

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
        require(float, exposureTime, darkTime, ut1, boresightAirmass, focusZ)
        require(str, instrumentLabel, observationType, scienceProgram, observationReason, object)
        nowhere = SpherePoint(Angle(_NAN), Angle(_NAN))
        values = dict(locals())
        values["era"] = era or Angle(_NAN)
        values["boresightRaDec"] = boresightRaDec or nowhere
        values["boresightAzAlt"] = boresightAzAlt or nowhere
        values["boresightRotAngle"] = boresightRotAngle or Angle(_NAN)
        values["observatory"] = observatory or Observatory(Angle(_NAN), Angle(_NAN), _NAN)
        values["weather"] = weather or Weather(_NAN, _NAN, _NAN)
        self.__dict__.update({key: value for key, value in values.items() if key not in ("self", "nowhere")})

    def __eq__(self, other: object) -> bool:
        return isinstance(other, VisitInfo) and vars(self) == vars(other)

    __hash__ = None  # type: ignore[assignment]

    @property
    def boresightHourAngle(self) -> Angle:
        """Earth rotation angle plus longitude minus right ascension; NaN without any of these."""
        longitude = self.observatory.getLongitude().asRadians()
        return Angle(self.era.asRadians() + longitude - self.boresightRaDec[0].asRadians())


VISIT_INFO_CARDS = (
    "EXPTIME DARKTIME DATE-AVG TIMESYS TIME-MID MJD-AVG-UT1 AVG-ERA BORE-RA BORE-DEC BORE-AZ BORE-ALT "
    "BORE-AIRMASS BORE-ROTANG ROTTYPE OBS-LONG OBS-LAT OBS-ELEV AIRTEMP AIRPRESS HUMIDITY INSTRUMENT IDNUM "
    "FOCUSZ OBSTYPE PROGRAM REASON OBJECT HAS-SIMULATED-CONTENT DATE-OBS MJD-OBS"
).split()
"""Cards that afw removes from the metadata of an exposure that it reads, because VisitInfo has them."""


def strip_visit_info(metadata: PropertyList) -> None:
    """Remove from the metadata what afw removes when it reads an exposure."""
    for name in VISIT_INFO_CARDS:
        metadata.pop(name, None)


@dataclasses.dataclass
class ExposureSummaryStats:
    version: int = 0
    psfSigma: float = _NAN
    nPsfStar: int = 0
    raCorners: list[float] = dataclasses.field(default_factory=lambda: [_NAN] * 4)
