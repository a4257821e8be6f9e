# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Amplifiers: sections of a detector that are read through one output."""

from __future__ import annotations

__all__ = ("Amplifier", "AmplifierCalibrations", "AmplifierRawGeometry")

from typing import Any, Self

import numpy as np
import pydantic

from .._aliases import accepts_legacy_names
from .._geom import Box
from ..plugins import registry
from ..serialization import InlineArray
from ._enums import ReadoutCorner


def _box_alias(name: str) -> Any:
    """Return a property that is an alias of another attribute."""
    return property(
        lambda self: getattr(self, name),
        lambda self, value: setattr(self, name, value),
        doc=f"Alias of ``{name}``.",
    )


class AmplifierRawGeometry(pydantic.BaseModel, validate_assignment=True):
    """The layout of the pixels of an amplifier in a raw image.

    Parameters
    ----------
    bbox
        All pixels of the amplifier.
    data_bbox
        Light-sensitive pixels.
    flip_x, flip_y
        Whether assembly reverses the axis.
    x_offset, y_offset
        Shift of the amplifier by assembly, relative to its position in the raw
        image.
    serial_overscan_bbox
        Pixels read after the end of each row.
    parallel_overscan_bbox
        Rows read after the end of the amplifier.
    prescan_bbox
        Pixels read before the start of each row; `None` if the amplifier has
        no prescan.
    readout_corner
        The corner that is read first, in the raw image.
    """

    bbox: Box
    data_bbox: Box
    flip_x: bool = False
    flip_y: bool = False
    x_offset: int = 0
    y_offset: int = 0
    serial_overscan_bbox: Box
    parallel_overscan_bbox: Box
    prescan_bbox: Box | None = None
    readout_corner: ReadoutCorner

    horizontal_overscan_bbox = _box_alias("serial_overscan_bbox")
    vertical_overscan_bbox = _box_alias("parallel_overscan_bbox")
    horizontal_prescan_bbox = _box_alias("prescan_bbox")
    serial_prescan_bbox = _box_alias("prescan_bbox")

    @classmethod
    @accepts_legacy_names
    def from_legacy_amplifier(cls, legacy: Any) -> Self:
        """Convert from an `lsst.afw.cameraGeom.Amplifier`.

        Parameters
        ----------
        legacy
            The afw object.
        """
        return registry.convert_from_legacy(legacy, cls)


class AmplifierCalibrations(pydantic.BaseModel, validate_assignment=True, ser_json_inf_nan="constants"):
    """Nominal properties of an amplifier, which may differ from measured ones.

    Parameters
    ----------
    gain
        Electrons per ADU.
    read_noise
        Read noise in electrons.
    saturation
        Saturation level in ADU.
    suspect_level
        Level above which pixels are unreliable, in ADU; NaN if unknown.
    linearity_coefficients
        Coefficients of the linearity model.
    linearity_type
        Name of the model of non-linearity.
    """

    gain: float
    read_noise: float
    saturation: float
    suspect_level: float
    linearity_coefficients: InlineArray
    linearity_type: str

    @classmethod
    @accepts_legacy_names
    def from_legacy_amplifier(cls, legacy: Any) -> Self:
        """Convert from an `lsst.afw.cameraGeom.Amplifier`.

        Parameters
        ----------
        legacy
            The afw object.
        """
        return registry.convert_from_legacy(legacy, cls)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, AmplifierCalibrations):
            return NotImplemented
        return (
            np.array_equal(self._numbers(), other._numbers(), equal_nan=True)
            and self.linearity_type == other.linearity_type
            and np.array_equal(self.linearity_coefficients, other.linearity_coefficients, equal_nan=True)
        )

    __hash__ = None  # type: ignore[assignment]  # mutable

    def _numbers(self) -> list[float]:
        return [self.gain, self.read_noise, self.saturation, self.suspect_level]


class Amplifier(pydantic.BaseModel, validate_assignment=True):
    """A section of a detector that is read through one output.

    Parameters
    ----------
    name
        Name of the amplifier.
    bbox
        Pixels of the amplifier in the assembled image.
    readout_corner
        The corner that is read first, in the assembled image.
    assembled_raw_geometry
        Layout of its pixels in a raw image of all amplifiers.
    unassembled_raw_geometry
        Layout of its pixels in a raw image of this amplifier alone.
    nominal_calibrations
        Nominal gain, noise, saturation and linearity.
    """

    name: str
    bbox: Box
    readout_corner: ReadoutCorner
    assembled_raw_geometry: AmplifierRawGeometry | None = None
    unassembled_raw_geometry: AmplifierRawGeometry | None = None
    nominal_calibrations: AmplifierCalibrations | None = None

    @classmethod
    @accepts_legacy_names
    def from_legacy(cls, legacy: Any, is_raw_assembled: bool) -> Self:
        """Convert from an `lsst.afw.cameraGeom.Amplifier`.

        Parameters
        ----------
        legacy
            The afw object.
        is_raw_assembled
            Whether its raw boxes refer to an image of all amplifiers.
        """
        return registry.convert_from_legacy(legacy, cls, is_raw_assembled=is_raw_assembled)

    def to_legacy_builder(self, is_raw_assembled: bool) -> Any:
        """Convert to an `lsst.afw.cameraGeom.Amplifier.Builder`.

        Parameters
        ----------
        is_raw_assembled
            Whether its raw boxes shall refer to an image of all amplifiers.

        Raises
        ------
        ValueError
            If the amplifier does not have this raw geometry.
        """
        geometry = self.assembled_raw_geometry if is_raw_assembled else self.unassembled_raw_geometry
        if geometry is None:
            raise ValueError(
                f"Amplifier {self.name!r} has no {'' if is_raw_assembled else 'un'}assembled raw geometry; "
                f"pass is_raw_assembled={not is_raw_assembled} or set the geometry."
            )
        return registry.convert_to_legacy(self, is_raw_assembled=is_raw_assembled)
