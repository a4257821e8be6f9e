# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Units, quantities and times as JSON.

A unit is written as a VOUnit string where one exists, else in astropy's own
generic syntax (``electron``), and read the same way.
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
from typing import TYPE_CHECKING, Annotated, Any, Literal

import astropy.units as u
import pydantic

if TYPE_CHECKING:
    import astropy.time


@functools.lru_cache(maxsize=256)
def parse_unit(text: str) -> u.UnitBase:
    """Make a unit of a string.

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
        If no syntax understands the string.
    """
    for syntax in ("vounit", "fits"):
        try:
            return u.Unit(text, format=syntax)
        except ValueError:
            continue
    return u.Unit(text)


@functools.lru_cache(maxsize=256)
def format_unit(unit: u.UnitBase) -> str:
    """Make a string of a unit.

    Parameters
    ----------
    unit
        The unit.

    Returns
    -------
    text
        VOUnit syntax where it can say it, else the generic syntax.
    """
    try:
        return str(unit.to_string("vounit"))
    except ValueError:
        return str(unit.to_string())


LONGEST = 1000
"""Longest unit in a file, far beyond any that somebody could read."""


def _validate_unit(value: Any) -> u.UnitBase:
    if isinstance(value, u.UnitBase):
        return value
    if isinstance(value, str) and len(value) <= LONGEST:
        return parse_unit(value)
    raise ValueError(
        f"A unit is a string of at most {LONGEST} characters or an astropy unit, not {value!r:.80}."
    )


Unit = Annotated[
    u.UnitBase,
    pydantic.PlainValidator(_validate_unit, json_schema_input_type=str),
    pydantic.PlainSerializer(format_unit, return_type=str),
]
"""Annotation of a model field that holds an astropy unit."""


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
"""Annotation of a model field that holds a scalar quantity."""


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
"""Annotation of a model field that holds an `astropy.time.Time`."""
