# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Fakes of `lsst.afw.cameraGeom`; see `afw_fakes`."""

from __future__ import annotations

import dataclasses
import enum
import math
from typing import Any

import numpy as np
import starlink.Ast

from helpers.afw_fakes_geom import (
    Angle,
    Box2I,
    Extent2D,
    Extent2I,
    FrameSet,
    IntervalI,
    InvalidParameterError,
    Mapping,
    Point2D,
    Point3D,
    TransformPoint2ToPoint2,
    require,
)


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


@dataclasses.dataclass(frozen=True)
class CameraSysPrefix:
    name: str

    def getSysName(self) -> str:
        return self.name


@dataclasses.dataclass(frozen=True)
class CameraSys:
    name: str
    detector: str = ""

    def getSysName(self) -> str:
        return self.name

    def getDetectorName(self) -> str:
        return self.detector


FOCAL_PLANE, FIELD_ANGLE = CameraSys("FocalPlane"), CameraSys("FieldAngle")
PIXELS, ACTUAL_PIXELS, TAN_PIXELS = map(CameraSysPrefix, ("Pixels", "ActualPixels", "TanPixels"))


class Orientation:
    def __init__(self, place: Point3D, reference: Point2D, yaw: Angle, pitch: Angle, roll: Angle) -> None:
        require(Point3D, place)
        require(Point2D, reference)
        require(Angle, yaw, pitch, roll)
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


class _Builder:
    """A builder with ``setX`` and ``getX`` methods for the names in ``DEFAULTS``."""

    DEFAULTS: dict[str, Any] = {}

    def __init__(self) -> None:
        self.values = dict(self.DEFAULTS)

    def __getattr__(self, name: str) -> Any:
        kind, field = name[:3], name[3:]
        if kind not in ("get", "set") or field not in self.DEFAULTS:
            raise AttributeError(name)
        if kind == "get":
            return lambda: self.values[field]

        def put(value: Any) -> None:
            require(type(self.DEFAULTS[field]), value)
            self.values[field] = value

        return put


def _empty() -> Box2I:
    return Box2I(x=IntervalI(min=0, max=-1), y=IntervalI(min=0, max=-1))


class Amplifier:
    class Builder(_Builder):
        DEFAULTS = {
            "Name": "",
            "BBox": _empty(),
            "ReadoutCorner": ReadoutCorner.LL,
            "Gain": 0.0,
            "ReadNoise": 0.0,
            "Saturation": 0.0,
            "SuspectLevel": math.nan,
            "LinearityType": "",
            "LinearityCoeffs": np.zeros(0),
            # Memory that is not initialized.
            "LinearityThreshold": 5e-324,
            "LinearityMaximum": 5e-324,
            "LinearityUnits": "",
            "RawBBox": _empty(),
            "RawDataBBox": _empty(),
            "RawFlipX": False,
            "RawFlipY": False,
            "RawXYOffset": Extent2I(0, 0),
            "RawHorizontalOverscanBBox": _empty(),
            "RawVerticalOverscanBBox": _empty(),
            "RawPrescanBBox": _empty(),
        }


class TransformMap:
    """Transforms from the focal plane to other systems."""

    PARITY_FLIPS = True
    """Whether the parity reverses the X axis of field angles."""

    def __init__(self) -> None:
        self.mappings: dict[CameraSys, Any] = {}
        self.parity = False

    def __iter__(self) -> Any:
        return iter([FOCAL_PLANE, *self.mappings])

    def getFocalPlaneParity(self) -> bool:
        return self.parity

    def _from_focal_plane(self, system: CameraSys) -> Any:
        if system == FOCAL_PLANE:
            return starlink.Ast.UnitMap(2)
        if system not in self.mappings:
            raise InvalidParameterError(f"File src/TransformMap.cc, line 1\nno transform for {system}")
        mapping = self.mappings[system]
        if system == FIELD_ANGLE and self.parity and self.PARITY_FLIPS:
            mapping = starlink.Ast.CmpMap(mapping, starlink.Ast.MatrixMap([-1.0, 1.0]), True)
        return mapping

    def getTransform(self, start: CameraSys, end: CameraSys) -> TransformPoint2ToPoint2:
        require(CameraSys, start, end)
        first = self._from_focal_plane(start).copy()
        first.invert()
        whole = starlink.Ast.CmpMap(first, self._from_focal_plane(end), True).simplify()
        return TransformPoint2ToPoint2(Mapping(str(whole)))

    def makeFrameSet(self, detectors: list[Detector], unit: str = "mm") -> Any:
        """Make a frame set, of actual pixels where the map has them, regardless of parity."""
        frames = starlink.Ast.FrameSet(starlink.Ast.Frame(2, "Ident=FOCAL_PLANE,Unit(1)=mm,Unit(2)=mm"))
        if FIELD_ANGLE not in self.mappings:
            raise InvalidParameterError("no FIELD_ANGLE")
        angles = starlink.Ast.Frame(2, "Ident=FIELD_ANGLE,Unit(1)=rad,Unit(2)=rad")
        frames.addframe(1, self.mappings[FIELD_ANGLE], angles)
        for detector in detectors:
            actual = CameraSys("ActualPixels", detector.getName())
            pixels = CameraSys("Pixels", detector.getName())
            mapping = self.mappings.get(actual, self.mappings[pixels])
            frame = starlink.Ast.Frame(2, f"Ident=DETECTOR_{detector.getId():03d},Unit(1)=pix,Unit(2)=pix")
            frames.addframe(1, mapping, frame)
        return FrameSet(str(frames))


class Detector(_Builder):
    DEFAULTS = {
        "Name": "",
        "Id": 0,
        "BBox": _empty(),
        "PixelSize": Extent2D(1.0, 1.0),
        "Orientation": None,
        "Type": DetectorType.SCIENCE,
        "Serial": "",
        "PhysicalType": "",
    }

    def __init__(self, name: str, id: int, transforms: TransformMap) -> None:
        super().__init__()
        self.values |= {"Name": name, "Id": id}
        self.amplifiers: list[Any] = []
        self.from_pixels: dict[Any, Any] = {}
        self.crosstalk: np.ndarray | None = None
        self.transforms = transforms

    def append(self, builder: Any) -> None:
        require(Amplifier.Builder, builder)
        self.amplifiers.append(builder)

    def setOrientation(self, orientation: Orientation) -> None:
        require(Orientation, orientation)
        self.values["Orientation"] = orientation

    def setCrosstalk(self, crosstalk: Any) -> None:
        require(np.ndarray, crosstalk)
        if crosstalk.dtype != np.float32 or crosstalk.shape != (len(self.amplifiers),) * 2:
            raise InvalidParameterError("wrong crosstalk matrix")
        self.crosstalk = crosstalk

    def hasCrosstalk(self) -> bool:
        return self.crosstalk is not None

    def getCrosstalk(self) -> np.ndarray:
        return np.zeros((0, 0), dtype=np.float32) if self.crosstalk is None else self.crosstalk

    def setTransformFromPixelsTo(self, system: Any, transform: Any) -> None:
        require(CameraSysPrefix, system)
        require(TransformPoint2ToPoint2, transform)
        self.from_pixels[system] = transform.getMapping().ast

    def getAmplifiers(self) -> list[Any]:
        return self.amplifiers

    def getTransformMap(self) -> TransformMap:
        return self.transforms

    def _system(self, system: Any) -> CameraSys:
        return CameraSys(system.name, self.getName()) if isinstance(system, CameraSysPrefix) else system

    def getTransform(self, start: Any, end: Any) -> TransformPoint2ToPoint2:
        return self.transforms.getTransform(self._system(start), self._system(end))

    def connect(self) -> None:
        """Add the systems of this detector to the transforms."""
        to_focal_plane = self._to_focal_plane()
        from_focal_plane = to_focal_plane.copy()
        from_focal_plane.invert()
        self.transforms.mappings[self._system(PIXELS)] = from_focal_plane
        for system, mapping in self.from_pixels.items():
            both = starlink.Ast.CmpMap(from_focal_plane, mapping, True)
            self.transforms.mappings[self._system(system)] = both

    def _to_focal_plane(self) -> Any:
        """Create the mapping of pixels, ignoring pitch and roll."""
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
            self.camera.transforms = TransformMap()

        def add(self, name: str, id: int) -> Detector:
            require(int, id)
            detector = self.camera[name] = Detector(name, id, self.camera.transforms)
            return detector

        def setTransformFromFocalPlaneTo(self, system: CameraSys, transform: Any) -> None:
            require(CameraSys, system)
            require(TransformPoint2ToPoint2, transform)
            self.camera.transforms.mappings[system] = transform.getMapping().ast

        def setFocalPlaneParity(self, parity: bool) -> None:
            require(bool, parity)
            self.camera.transforms.parity = parity

        def finish(self) -> Camera:
            for detector in self.camera:
                detector.connect()
            return self.camera

    name: str
    transforms: TransformMap

    def getName(self) -> str:
        return self.name

    def getTransformMap(self) -> TransformMap:
        return self.transforms

    def __iter__(self) -> Any:
        return iter(self.values())


CAMERA_GEOM: dict[str, Any] = {
    "ReadoutCorner": ReadoutCorner,
    "DetectorType": DetectorType,
    "Orientation": Orientation,
    "Amplifier": Amplifier,
    "Camera": Camera,
    "CameraSys": CameraSys,
    "CameraSysPrefix": CameraSysPrefix,
    "FOCAL_PLANE": FOCAL_PLANE,
    "FIELD_ANGLE": FIELD_ANGLE,
    "PIXELS": PIXELS,
    "ACTUAL_PIXELS": ACTUAL_PIXELS,
    "TAN_PIXELS": TAN_PIXELS,
}
