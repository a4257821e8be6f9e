# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Units, quantities and times as JSON.

A unit is written as a VOUnit string if possible, else in the generic syntax of
astropy (``electron``), and read from either.
"""

from __future__ import annotations

__all__ = (
    "Quantity",
    "QuantityModel",
    "Time",
    "TimeModel",
    "Unit",
    "format_unit",
    "parse_unit",
)

import functools
import re
from typing import TYPE_CHECKING, Annotated, Any, Literal

import astropy.units as u
import pydantic

if TYPE_CHECKING:
    import astropy.time


_SPELLINGS: dict[str, u.UnitBase] = {
    "adu": u.adu,
    "adus": u.adu,
    "count": u.count,
    "counts": u.count,
    "electron": u.electron,
    "electrons": u.electron,
    "e-": u.electron,
}
"""Units of detectors by spellings in old files that astropy does not accept, in lower case."""

_SPELLING = re.compile(
    rf"(?P<name>{'|'.join(map(re.escape, _SPELLINGS))})(?:(?:\*\*|\^)?(?P<power>[12]))?", re.IGNORECASE
)


@functools.lru_cache(maxsize=256)
def parse_unit(text: str) -> u.UnitBase:
    """Parse a unit.

    Parameters
    ----------
    text
        VOUnit, FITS or generic astropy syntax; an empty string is
        dimensionless.

    Returns
    -------
    unit
        The unit.

    Raises
    ------
    ValueError
        If the string is not valid in any of these.
    """
    for syntax in ("vounit", "fits"):
        try:
            return u.Unit(text, format=syntax)
        except ValueError:
            continue
    if match := _SPELLING.fullmatch(text.strip()):
        unit = _SPELLINGS[match["name"].lower()]
        return unit**2 if match["power"] == "2" else unit
    return u.Unit(text)


@functools.lru_cache(maxsize=256)
def format_unit(unit: u.UnitBase) -> str:
    """Format a unit as a string.

    Parameters
    ----------
    unit
        The unit.

    Returns
    -------
    text
        VOUnit syntax if it can represent the unit, else the generic syntax.
    """
    try:
        return str(unit.to_string("vounit"))
    except ValueError:
        return str(unit.to_string())


MAX_UNIT_LENGTH = 1000
"""Largest number of characters of a unit in a file."""


def _validate_unit(value: Any) -> u.UnitBase:
    if isinstance(value, u.UnitBase):
        return value
    if isinstance(value, str) and len(value) <= MAX_UNIT_LENGTH:
        return parse_unit(value)
    raise ValueError(
        f"A unit must be an astropy unit or a string of at most {MAX_UNIT_LENGTH} characters; "
        f"got {value!r:.80}."
    )


Unit = Annotated[
    u.UnitBase,
    pydantic.PlainValidator(_validate_unit, json_schema_input_type=str),
    pydantic.PlainSerializer(format_unit, return_type=str),
]
"""Annotation of a model field that contains an astropy unit."""


class QuantityModel(pydantic.BaseModel, ser_json_inf_nan="constants"):
    """A number with a unit, as JSON."""

    value: float
    unit: Unit


def _validate_quantity(value: Any) -> u.Quantity:
    if isinstance(value, u.Quantity):
        return value
    model = QuantityModel.model_validate(value)
    return model.value * model.unit


def _dump_quantity(value: u.Quantity) -> dict[str, Any]:
    return {"value": float(value.value), "unit": format_unit(value.unit)}


Quantity = Annotated[
    u.Quantity,
    pydantic.PlainValidator(_validate_quantity, json_schema_input_type=QuantityModel),
    pydantic.PlainSerializer(_dump_quantity, return_type=dict[str, Any]),
]
"""Annotation of a model field that contains a scalar quantity."""


class TimeModel(pydantic.BaseModel):
    """An instant, as JSON."""

    value: str
    scale: Literal["utc", "tai"]
    format: Literal["iso"] = "iso"


def _validate_time(value: Any) -> astropy.time.Time:
    import astropy.time

    if isinstance(value, astropy.time.Time):
        return value
    model = TimeModel.model_validate(value)
    return astropy.time.Time(model.value, scale=model.scale, format=model.format, precision=9)


def _dump_time(value: astropy.time.Time) -> dict[str, Any]:
    time = value if value.scale in ("utc", "tai") else value.tai
    text = type(time)(time, format="iso", precision=9).value
    return {"value": str(text), "scale": time.scale, "format": "iso"}


Time = Annotated[
    Any,
    pydantic.PlainValidator(_validate_time, json_schema_input_type=TimeModel),
    pydantic.PlainSerializer(_dump_time, return_type=dict[str, Any]),
]
"""Annotation of a model field that contains an `astropy.time.Time`."""
