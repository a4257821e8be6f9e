# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Coordinate frames, which label the input and the output of a transform.

A frame does not contain a mapping.  Transforms can be chained if the output
frame of the first is equal to the input frame of the second.
"""

from __future__ import annotations

__all__ = (
    "ICRS",
    "DetectorFrame",
    "FieldAngleFrame",
    "FocalPlaneFrame",
    "Frame",
    "GeneralFrame",
    "SerializableFrame",
    "SkyFrame",
    "TractFrame",
    "frame_label",
    "wrap",
)

import enum
import math
from typing import Annotated, Any, Literal, Protocol, Self, TypeAlias, TypeVar, runtime_checkable

import astropy.units as u
import numpy as np
import pydantic

from .._geom import Box
from ..serialization import Unit, omit_if_none

T = TypeVar("T")

_CIRCLE = 2.0 * math.pi


@runtime_checkable
class Frame(Protocol):
    """Protocol of coordinate frames."""

    @property
    def unit(self) -> u.UnitBase:
        """Unit of both coordinates."""
        ...

    def standardize_x(self, x: T) -> T:
        """Wrap first coordinates into their standard range.

        Parameters
        ----------
        x
            A number or an array, in `unit`.

        Returns
        -------
        x
            Equivalent coordinates of the same type and shape.
        """
        ...

    def standardize_y(self, y: T) -> T:
        """Wrap second coordinates into their standard range.

        Parameters
        ----------
        y
            A number or an array, in `unit`.

        Returns
        -------
        y
            Equivalent coordinates of the same type and shape.
        """
        ...

    def serialize(self) -> Any:
        """Return a serializable form, for fields of a pydantic model.

        Returns
        -------
        serialized
            An object with a ``deserialize`` method without arguments.
        """
        ...


class _FrameModel(pydantic.BaseModel, frozen=True):
    """Base of the frames that are pydantic models, which are their own stored form."""

    def standardize_x(self, x: T) -> T:
        """Return first coordinates unchanged; all values are in the standard range.

        Parameters
        ----------
        x
            A number or an array.
        """
        return x

    def standardize_y(self, y: T) -> T:
        """Return second coordinates unchanged; all values are in the standard range.

        Parameters
        ----------
        y
            A number or an array.
        """
        return y

    def serialize(self) -> Self:
        """Return the frame itself, which is serializable as a pydantic field."""
        return self

    def deserialize(self) -> Self:
        """Return the frame itself."""
        return self


class _PixelFrame(_FrameModel, frozen=True):
    """Base of the frames of pixels with a known extent."""

    @property
    def unit(self) -> u.UnitBase:
        """Unit of both coordinates: pixels."""
        return u.pix


class DetectorFrame(_PixelFrame, frozen=True):
    """Pixels of one detector.

    Parameters
    ----------
    instrument
        Name of the instrument.
    visit
        Identifier of the visit; `None` if the frame does not belong to a
        particular visit.
    detector
        Number of the detector.
    bbox
        All pixels of the detector.
    """

    instrument: str
    visit: int | None = omit_if_none()
    detector: int
    bbox: Box
    frame_type: Literal["DETECTOR"] = "DETECTOR"


class TractFrame(_PixelFrame, frozen=True):
    """Pixels of one tract of a sky map.

    Parameters
    ----------
    skymap
        Name of the sky map.
    tract
        Number of the tract.
    bbox
        All pixels of the tract.
    """

    skymap: str
    tract: int
    bbox: Box
    frame_type: Literal["TRACT"] = "TRACT"


class FocalPlaneFrame(_FrameModel, frozen=True):
    """Positions in the focal plane of an instrument.

    Parameters
    ----------
    instrument
        Name of the instrument.
    visit
        Identifier of the visit; `None` if the frame does not belong to a
        particular visit.
    unit
        Unit of both coordinates, millimetres for instance.
    """

    instrument: str
    visit: int | None = omit_if_none()
    unit: Unit
    frame_type: Literal["FOCAL_PLANE"] = "FOCAL_PLANE"


class FieldAngleFrame(_FrameModel, frozen=True):
    """Angles from the optical axis of an instrument, in radians.

    Parameters
    ----------
    instrument
        Name of the instrument.
    visit
        Identifier of the visit; `None` if the frame does not belong to a
        particular visit.
    """

    instrument: str
    visit: int | None = omit_if_none()
    frame_type: Literal["FIELD_ANGLE"] = "FIELD_ANGLE"

    @property
    def unit(self) -> u.UnitBase:
        """Unit of both coordinates: radians."""
        return u.rad

    def standardize_x(self, x: T) -> T:
        """Wrap first angles to the range from -pi to pi.

        Parameters
        ----------
        x
            A number or an array, in radians.

        Returns
        -------
        x
            At least -pi, and less than pi.
        """
        return wrap(x, -math.pi)

    def standardize_y(self, y: T) -> T:
        """Wrap second angles to the range from -pi to pi.

        Parameters
        ----------
        y
            A number or an array, in radians.

        Returns
        -------
        y
            At least -pi, and less than pi.
        """
        return wrap(y, -math.pi)


class GeneralFrame(_FrameModel, frozen=True):
    """A frame without further meaning, defined by its unit.

    Parameters
    ----------
    unit
        Unit of both coordinates.
    """

    unit: Unit
    frame_type: Literal["GENERAL"] = "GENERAL"


class SkyFrame(enum.StrEnum):
    """Celestial frames: longitude and latitude, in radians."""

    ICRS = "ICRS"
    """Right ascension and declination of the International Celestial
    Reference System."""

    @property
    def unit(self) -> u.UnitBase:
        """Unit of both coordinates: radians."""
        return u.rad

    def standardize_x(self, x: T) -> T:
        """Wrap longitudes to the range from 0 to two pi.

        Parameters
        ----------
        x
            A number or an array, in radians.

        Returns
        -------
        x
            At least 0, and less than two pi.
        """
        return wrap(x, 0.0)

    def standardize_y(self, y: T) -> T:
        """Wrap latitudes to the range from -pi to pi.

        Parameters
        ----------
        y
            A number or an array, in radians.

        Returns
        -------
        y
            At least -pi, and less than pi.
        """
        return wrap(y, -math.pi)

    def serialize(self) -> SkyFrame:
        """Return the frame itself, which is serializable as a pydantic field."""
        return self

    def deserialize(self) -> SkyFrame:
        """Return the frame itself."""
        return self


ICRS = SkyFrame.ICRS
"""The celestial frame of all sky projections."""

SerializableFrame: TypeAlias = (
    SkyFrame
    | Annotated[
        DetectorFrame | TractFrame | FocalPlaneFrame | FieldAngleFrame | GeneralFrame,
        pydantic.Discriminator("frame_type"),
    ]
)
"""Type of pydantic fields that hold any frame."""


def frame_label(frame: Frame) -> str:
    """Return a short name of a frame.

    Parameters
    ----------
    frame
        Any frame.

    Returns
    -------
    label
        Name of a sky frame, otherwise the name of the type.
    """
    return frame.value if isinstance(frame, SkyFrame) else type(frame).__name__


def wrap(angle: T, lower: float) -> T:
    """Wrap angles into a range of length two pi.

    Parameters
    ----------
    angle
        A number or an array, in radians.
    lower
        Start of the range.

    Returns
    -------
    angle
        At least ``lower``, and less than ``lower`` plus two pi.  A number for a
        number; the same object if all values are already in the range.
    """
    values = np.asarray(angle, dtype=np.float64)
    upper = lower + _CIRCLE
    if values.size and values.min() >= lower and values.max() < upper:
        return angle
    with np.errstate(invalid="ignore"):
        wrapped = values - _CIRCLE * np.floor((values - lower) / _CIRCLE)
    # Rounding can move tiny negative angles to the excluded upper end.
    wrapped = np.where((wrapped >= upper) | (wrapped < lower), lower, wrapped)
    result: Any = wrapped if wrapped.ndim else float(wrapped)
    return result  # type: ignore[no-any-return]  # a number for a number
