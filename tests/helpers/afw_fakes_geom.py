# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Fake modules of `lsst.geom`, `astshim` and `lsst.afw.geom`; see `afw_fakes`."""

from __future__ import annotations

import math
from typing import Any

import starlink.Ast


def require(kind: type, *values: Any) -> None:
    for value in values:
        if type(value) is not kind:
            raise TypeError(f"incompatible function arguments: {value!r} is not a {kind.__name__}")


# lsst.pex.exceptions


class PexError(Exception):
    """Base class of the exceptions of `lsst.pex.exceptions`; few of them derive from builtin ones."""


class LogicError(PexError):
    pass


class InvalidParameterError(LogicError):
    pass


class PexRuntimeError(PexError, RuntimeError):
    pass


# lsst.geom


class _Pair:
    kind: type = float

    def __init__(self, x: Any, y: Any) -> None:
        require(self.kind, x, y)
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
        require(float, x, y, z)
        self.x, self.y, self.z = x, y, z


class IntervalI:
    def __init__(self, *, min: int, max: int) -> None:
        require(int, min, max)
        self.min, self.max, self.begin, self.end = min, max, min, max + 1


class Box2I:
    def __init__(self, *, x: IntervalI, y: IntervalI) -> None:
        require(IntervalI, x, y)
        self.x, self.y = x, y

    def getDimensions(self) -> Extent2I:
        return Extent2I(self.x.end - self.x.begin, self.y.end - self.y.begin)

    def getMin(self) -> Point2I:
        return Point2I(self.x.min, self.y.min)

    def isEmpty(self) -> bool:
        return self.x.end <= self.x.begin or self.y.end <= self.y.begin


class Box2D:
    def __init__(self, box: Box2I) -> None:
        require(Box2I, box)
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
    def __init__(self, radians: float = 0.0) -> None:
        self._radians = float(radians)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Angle) and self._radians == other._radians

    __hash__ = None  # type: ignore[assignment]

    def asRadians(self) -> float:
        return self._radians

    def asDegrees(self) -> float:
        return math.degrees(self._radians)


class SpherePoint:
    def __init__(self, lon: Angle, lat: Angle) -> None:
        require(Angle, lon, lat)
        self._angles = (lon, lat)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, SpherePoint) and self._angles == other._angles

    __hash__ = None  # type: ignore[assignment]

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
        require(FrameSet, frame_set)
        self.ast = frame_set.ast.copy()


# lsst.afw.geom


class SkyWcs:
    def __init__(self, frame_dict: FrameDict) -> None:
        require(FrameDict, frame_dict)
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

    def __eq__(self, other: object) -> bool:
        # The text is compared: an attribute that was set to its default is a difference.
        return (
            isinstance(other, SkyWcs)
            and str(self._ast) == str(other._ast)
            and self._approximation == other._approximation
        )

    __hash__ = None  # type: ignore[assignment]

    def pixelToSky(self, x: float, y: float) -> SpherePoint:
        ra, dec = self._ast.tran([[x], [y]], True)[:, 0]
        return SpherePoint(Angle(ra), Angle(dec))

    def skyToPixel(self, sky: SpherePoint) -> Point2D:
        require(SpherePoint, sky)
        x, y = self._ast.tran([[sky[0].asRadians()], [sky[1].asRadians()]], False)[:, 0]
        return Point2D(float(x), float(y))


class TransformPoint2ToPoint2:
    def __init__(self, mapping: Any, simplify: bool = True) -> None:
        if type(mapping) not in (Mapping, FrameSet):
            raise TypeError("a mapping of astshim is needed")
        self._mapping = mapping

    def getMapping(self) -> Any:
        return self._mapping

    def applyForward(self, point: Point2D) -> Point2D:
        require(Point2D, point)
        x, y = self._mapping.ast.tran([[point.x], [point.y]], True)[:, 0]
        return Point2D(float(x), float(y))


class AfwPolygon:
    def __init__(self, points: list[Point2D]) -> None:
        require(Point2D, *points)
        area = sum(a.x * b.y - b.x * a.y for a, b in zip(points, points[1:] + points[:1], strict=True))
        clockwise = points if area < 0 else points[:1] + points[:0:-1]
        self._points = [*clockwise, clockwise[0]]

    def getVertices(self) -> list[Point2D]:
        return self._points

    def __eq__(self, other: object) -> bool:
        return isinstance(other, AfwPolygon) and self._points == other._points

    __hash__ = None  # type: ignore[assignment]
