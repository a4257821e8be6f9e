# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Sets of frames with transforms between any two of them."""

from __future__ import annotations

__all__ = ("CameraFrameSet", "FrameLookupError", "FrameSet")

import abc
import operator
import re
from collections.abc import Iterable
from typing import Any, Self

from .._aliases import accepts_aliases
from .._geom import Box
from ..errors import FrameLookupError, GeometryError
from ..io import Serializable
from ..plugins import registry
from ..serialization import parse_unit
from ..utils import short_repr
from ._ast import AstMapping
from ._frames import DetectorFrame, FieldAngleFrame, FocalPlaneFrame, Frame
from ._transform import Transform

_FOCAL_PLANE = "FOCAL_PLANE"
_FIELD_ANGLE = "FIELD_ANGLE"
_DETECTOR = re.compile(r"DETECTOR_(\d+)")


class FrameSet(abc.ABC):
    """A set of frames with a transform between any two of them."""

    @abc.abstractmethod
    def __contains__(self, frame: Any) -> bool:
        """Return whether the set contains a frame."""

    @abc.abstractmethod
    def __getitem__(self, frames: tuple[Frame, Frame]) -> Transform[Any, Any]:
        """Return the transform from the first to the second frame.

        Raises
        ------
        FrameLookupError
            If the set does not contain one of the frames.
        """

    def get(self, in_frame: Frame, out_frame: Frame) -> Transform[Any, Any] | None:
        """Return the transform between two frames, if the set contains both.

        Parameters
        ----------
        in_frame, out_frame
            Input and output frame of the transform.

        Returns
        -------
        transform
            `None` if the set does not contain one of the frames.
        """
        try:
            return self[in_frame, out_frame]
        except FrameLookupError:
            return None


class CameraFrameSet(FrameSet, Serializable):
    """The frames of a camera: focal plane, field angle and detectors.

    Parameters
    ----------
    instrument
        Name of the instrument.
    ast_frame_set
        A `starlink.Ast.FrameSet`, or its native text.  The ``Ident`` of each
        frame is ``FOCAL_PLANE``, ``FIELD_ANGLE`` or ``DETECTOR_nnn``; the axis
        limits of a detector are the centres of its first and last pixels.

    Raises
    ------
    GeometryError
        If ``ast_frame_set`` is not a frame set, contains other frames, or lacks
        ``FOCAL_PLANE`` or ``FIELD_ANGLE``.

    Notes
    -----
    Frames are looked up by instrument and detector.  Their visit is ignored,
    because the camera geometry is the same for all visits.
    """

    def __init__(self, instrument: str, ast_frame_set: Any) -> None:
        self._instrument = instrument
        if isinstance(ast_frame_set, str):
            self._mapping = AstMapping.from_text(ast_frame_set)
        else:
            self._mapping = AstMapping(ast_frame_set)
        if not self._mapping.is_frame_set:
            raise GeometryError(f"A CameraFrameSet requires an AST FrameSet; got {ast_frame_set!r:.60}.")
        self._frame_set = self._mapping.ast_object
        self._index = _index_frames(self._frame_set)

    @property
    def instrument(self) -> str:
        """Name of the instrument."""
        return self._instrument

    @property
    def detector_ids(self) -> tuple[int, ...]:
        """Numbers of the detectors, in increasing order."""
        matches = filter(None, map(_DETECTOR.fullmatch, self._index))
        return tuple(sorted(int(match[1]) for match in matches))

    @property
    def ast_text(self) -> str:
        """The frame set as AST native text."""
        return self._mapping.text

    def focal_plane(self, visit: int | None = None) -> FocalPlaneFrame:
        """Return the frame of the focal plane.

        Parameters
        ----------
        visit
            Identifier of the visit to set in the frame.
        """
        unit = self._frame_set.getframe(self._index[_FOCAL_PLANE]).get("Unit(1)")
        return FocalPlaneFrame(instrument=self._instrument, visit=visit, unit=parse_unit(unit))

    def field_angle(self, visit: int | None = None) -> FieldAngleFrame:
        """Return the frame of the angles from the optical axis.

        Parameters
        ----------
        visit
            Identifier of the visit to set in the frame.
        """
        return FieldAngleFrame(instrument=self._instrument, visit=visit)

    def detector(self, detector: int, *, visit: int | None = None) -> DetectorFrame:
        """Return the frame of the pixels of a detector.

        Parameters
        ----------
        detector
            Number of the detector.
        visit
            Identifier of the visit to set in the frame.

        Raises
        ------
        FrameLookupError
            If the frame set does not contain the detector.
        TypeError
            If ``detector`` is not an integer.
        """
        number = self._index.get(_detector_ident(detector))
        if number is None:
            raise FrameLookupError(
                f"The camera frames of {self._instrument} do not include detector {short_repr(detector)}; "
                f"available detectors: {list(self.detector_ids)}."
            )
        frame = self._frame_set.getframe(number)
        # The axis limits are the centers of the first and the last pixel.
        first = [round(float(frame.get(f"Bottom({axis})"))) for axis in (1, 2)]
        last = [round(float(frame.get(f"Top({axis})"))) for axis in (1, 2)]
        bbox = Box.factory[first[1] : last[1] + 1, first[0] : last[0] + 1]
        return DetectorFrame(instrument=self._instrument, visit=visit, detector=detector, bbox=bbox)

    def subset(self, detectors: Iterable[int]) -> CameraFrameSet:
        """Return a frame set with some of the detectors.

        Parameters
        ----------
        detectors
            Numbers of the detectors to keep.

        Returns
        -------
        frame_set
            Frame set of these detectors, the focal plane and the field angles.

        Raises
        ------
        FrameLookupError
            If the frame set does not contain one of the detectors.
        """
        keep = {_FOCAL_PLANE, _FIELD_ANGLE}
        for detector in detectors:
            keep.add(_detector_ident(self.detector(detector).detector))
        result = self._frame_set.copy()
        # AST cannot remove the base frame, so make another frame the base first.
        result.Base = result.Current = self._index[_FOCAL_PLANE]
        for ident, number in sorted(self._index.items(), key=lambda item: -item[1]):
            if ident not in keep:
                result.removeframe(number)
        return CameraFrameSet(self._instrument, result)

    def __contains__(self, frame: Any) -> bool:
        return self._find(frame) is not None

    def __getitem__(self, frames: tuple[Frame, Frame]) -> Transform[Any, Any]:
        in_frame, out_frame = frames
        numbers = []
        for frame in (in_frame, out_frame):
            if (number := self._find(frame)) is None:
                raise FrameLookupError(
                    f"The camera frames of {self._instrument} do not include {short_repr(frame)}."
                )
            numbers.append(number)
        return Transform(in_frame, out_frame, self._frame_set.getmapping(*numbers))

    def _find(self, frame: Any) -> int | None:
        """Return the AST index of a frame."""
        if getattr(frame, "instrument", None) != self._instrument:
            return None
        if isinstance(frame, DetectorFrame):
            return self._index.get(_detector_ident(frame.detector))
        if isinstance(frame, FocalPlaneFrame):
            return self._index[_FOCAL_PLANE] if frame.unit == self.focal_plane().unit else None
        return self._index[_FIELD_ANGLE] if isinstance(frame, FieldAngleFrame) else None

    @classmethod
    @accepts_aliases(camera="legacy_camera")
    def from_legacy(cls, camera: Any) -> CameraFrameSet:
        """Convert the frames of a `lsst.afw.cameraGeom.Camera`.

        Parameters
        ----------
        camera
            The camera.

        Returns
        -------
        frame_set
            Frames of all detectors.
        """
        return registry.convert_from_legacy(camera, CameraFrameSet)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, CameraFrameSet):
            return NotImplemented
        return self is other or (self._instrument == other._instrument and self._mapping == other._mapping)

    __hash__ = None  # type: ignore[assignment]  # compared by content, which is long

    def __reduce__(self) -> tuple[Any, ...]:
        return CameraFrameSet, (self._instrument, self.ast_text)

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: Any) -> Self:
        return self

    def __str__(self) -> str:
        count = len(self.detector_ids)
        return f"CameraFrameSet({self._instrument!r}, {count} detector{'' if count == 1 else 's'})"

    def __repr__(self) -> str:
        return f"<{self}>"


def _detector_ident(detector: int) -> str:
    return f"DETECTOR_{operator.index(detector):03d}"


def _index_frames(frame_set: Any) -> dict[str, int]:
    """Return the AST indices of frames by ``Ident``."""
    index: dict[str, int] = {}
    for number in range(1, frame_set.Nframe + 1):
        frame = frame_set.getframe(number)
        ident = frame.Ident
        if ident not in (_FOCAL_PLANE, _FIELD_ANGLE) and not _DETECTOR.fullmatch(ident):
            raise GeometryError(
                f"Frame {number} of a camera has Ident={short_repr(ident)}; expected FOCAL_PLANE, "
                "FIELD_ANGLE or "
                "DETECTOR_nnn."
            )
        if ident in index or frame.Naxes != 2:
            raise GeometryError(
                f"Frame {short_repr(ident)} of a camera is a duplicate or does not have two axes "
                f"(it has {frame.Naxes})."
            )
        index[ident] = number
    if missing := {_FOCAL_PLANE, _FIELD_ANGLE} - index.keys():
        raise GeometryError(
            f"The camera has no frame {' or '.join(sorted(missing))}; "
            "both FOCAL_PLANE and FIELD_ANGLE are required."
        )
    return index
