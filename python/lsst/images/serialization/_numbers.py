# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Element types of arrays in files."""

from __future__ import annotations

__all__ = ("FloatType", "IntegerType", "NumberType", "SignedIntegerType", "UnsignedIntegerType", "is_integer")

import enum
from typing import Any, Literal, TypeAlias

import numpy as np

from ..utils import short_repr


class NumberType(enum.StrEnum):
    """Name of the type of an array's elements."""

    bool = "bool"
    uint8 = "uint8"
    uint16 = "uint16"
    uint32 = "uint32"
    uint64 = "uint64"
    int8 = "int8"
    int16 = "int16"
    int32 = "int32"
    int64 = "int64"
    float32 = "float32"
    float64 = "float64"

    def to_numpy(self) -> type[np.generic]:
        """Return the numpy scalar type."""
        return np.dtype(self.value).type

    @classmethod
    def from_numpy(cls, dtype: Any) -> NumberType:
        """Return the number type of a numpy type.

        Parameters
        ----------
        dtype
            Anything that `numpy.dtype` understands.

        Raises
        ------
        TypeError
            If it is a sub-array type.
        ValueError
            If arrays of the type cannot be stored, such as ``float16``.
        """
        dtype = np.dtype(dtype)
        if dtype.subdtype is not None:
            raise TypeError(f"{dtype!r} is a sub-array type; use from_numpy_with_shape().")
        try:
            return cls(dtype.name)
        except ValueError:
            raise ValueError(
                f"Arrays of {dtype.name!r} cannot be stored; supported are {[t.value for t in cls]}. "
                "Convert with array.astype() first."
            ) from None

    @classmethod
    def from_numpy_with_shape(cls, dtype: Any) -> tuple[NumberType, tuple[int, ...]]:
        """Split a numpy type into a number type and the shape of a sub-array.

        Parameters
        ----------
        dtype
            Anything that `numpy.dtype` understands.

        Returns
        -------
        number_type, shape
            The shape is empty for a plain type.
        """
        dtype = np.dtype(dtype)
        if dtype.subdtype is None:
            return cls.from_numpy(dtype), ()
        base, shape = dtype.subdtype
        return cls.from_numpy(base), tuple(shape)

    def require_integer(self) -> NumberType:
        """Return the type itself if it is an integer type.

        Raises
        ------
        TypeError
            If it is not.
        """
        if not is_integer(self):
            raise TypeError(f"An integer type is required; got {short_repr(self.value)}.")
        return self


UnsignedIntegerType: TypeAlias = Literal[
    NumberType.uint8, NumberType.uint16, NumberType.uint32, NumberType.uint64
]
SignedIntegerType: TypeAlias = Literal[NumberType.int8, NumberType.int16, NumberType.int32, NumberType.int64]
IntegerType: TypeAlias = UnsignedIntegerType | SignedIntegerType
FloatType: TypeAlias = Literal[NumberType.float32, NumberType.float64]


def is_integer(number_type: NumberType) -> bool:
    """Return whether a number type is an integer type; ``bool`` is not.

    Parameters
    ----------
    number_type
        The type.
    """
    return np.dtype(number_type.value).kind in "iu"
