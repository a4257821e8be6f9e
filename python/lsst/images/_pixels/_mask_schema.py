# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Mask planes and their assignment to bits."""

from __future__ import annotations

__all__ = ("MaskPlane", "MaskPlaneBit", "MaskSchema")

import dataclasses
import re
from collections.abc import Iterable, Iterator, KeysView, Mapping, MutableMapping, Set
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt

from .._aliases import accepts_aliases
from ..describe import Described
from ..utils import did_you_mean, escape_unprintable, short_repr

_CARD = re.compile(r"MSK([NMD])(\d{4})")
_LEGACY_PREFIX = "MP_"

MAX_SCHEMA_REPR = 300
"""Maximum number of characters of a schema, with descriptions, in the ``repr`` of a mask or image."""


@dataclasses.dataclass(frozen=True)
class MaskPlane:
    """One flag of a mask.

    Parameters
    ----------
    name
        Name of the plane, unique in a mask.
    description
        Meaning of the flag.
    """

    name: str
    description: str

    @classmethod
    def read_legacy(cls, header: MutableMapping[str, Any], *, strip: bool = True) -> dict[str, int]:
        """Read the planes that an `lsst.afw` mask lists in its header.

        Parameters
        ----------
        header
            Mapping of FITS keywords, such as an Astropy header.
        strip
            Whether to remove these cards from the header.

        Returns
        -------
        bits
            Bit number of each plane, by name, in the order of the cards.
        """
        keys = [key for key in header if key.upper().startswith(_LEGACY_PREFIX)]
        bits = {key[len(_LEGACY_PREFIX) :]: int(header[key]) for key in keys}
        if strip:
            for key in keys:
                del header[key]
        return bits


@dataclasses.dataclass(frozen=True)
class MaskPlaneBit:
    """The position of a plane in the array of a mask.

    Parameters
    ----------
    index
        Index into the last axis of the array.
    mask
        Value with only this bit set, an integer of the type of the array.
    """

    index: int
    mask: np.integer[Any]

    @classmethod
    def compute(cls, overall_index: int, stride: int, mask_type: npt.DTypeLike) -> MaskPlaneBit:
        """Return the bit of a plane.

        Parameters
        ----------
        overall_index
            Number of the plane, from zero.
        stride
            Number of bits in each element; see
            `MaskSchema.bits_per_element`.
        mask_type
            Type of the array.

        Returns
        -------
        bit
            Position of the plane.
        """
        index, bit = divmod(overall_index, stride)
        mask: Any = np.dtype(mask_type).type(1 << bit)
        return cls(index, mask)

    def check(self, pixel: np.ndarray) -> bool:
        """Return whether the bit is set in a pixel.

        Parameters
        ----------
        pixel
            One-dimensional array: a pixel of a mask array.

        Returns
        -------
        is_set
            Whether the bit is set.
        """
        return bool(pixel[self.index] & self.mask)


class MaskSchema(Described):
    """The immutable sequence of planes of a mask, in the order of their bits.

    Parameters
    ----------
    planes
        The planes; `None` leaves a bit unused.  An empty sequence is the same
        as one unused bit.
    dtype
        Integer type of the mask array.

    Raises
    ------
    TypeError
        If the type is not an integer, or a plane is not a `MaskPlane`.
    ValueError
        If two planes have the same name.
    """

    def __init__(self, planes: Iterable[MaskPlane | None], dtype: npt.DTypeLike = np.uint8) -> None:
        self._planes = tuple(planes) or (None,)
        self._dtype: np.dtype[Any] = np.dtype(dtype)
        stride = self.bits_per_element(self._dtype)
        self._mask_size = -(-len(self._planes) // stride)
        self._bits: dict[str, MaskPlaneBit] = {}
        self._descriptions: dict[str, str] = {}
        for n, plane in enumerate(self._planes):
            if plane is None:
                continue
            if not isinstance(plane, MaskPlane):
                raise TypeError(f"The planes of a mask must be MaskPlane or None; got {plane!r:.80}.")
            if plane.name in self._bits:
                raise ValueError(f"Duplicate mask plane {plane.name!r}; names of planes must be unique.")
            self._bits[plane.name] = MaskPlaneBit.compute(n, stride, self._dtype)
            self._descriptions[plane.name] = plane.description

    @staticmethod
    def bits_per_element(dtype: npt.DTypeLike) -> int:
        """Return how many planes fit into one element of a mask array.

        Parameters
        ----------
        dtype
            Integer type of the array.  The sign bit is never used.

        Raises
        ------
        TypeError
            If ``dtype`` is not an integer type.
        """
        dtype = np.dtype(dtype)
        if dtype.kind not in "iu":
            raise TypeError(f"The type of a mask array must be an integer type; got {dtype.name!r}.")
        return dtype.itemsize * 8 - (dtype.kind == "i")

    # Access to the planes.

    def __iter__(self) -> Iterator[MaskPlane | None]:
        return iter(self._planes)

    def __len__(self) -> int:
        return len(self._planes)

    def __getitem__(self, i: int) -> MaskPlane | None:
        return self._planes[i]

    def __contains__(self, plane: object) -> bool:
        return getattr(plane, "name", plane) in self._bits

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, MaskSchema):
            return NotImplemented
        return self._planes == other._planes and self._dtype == other._dtype

    __hash__ = None  # type: ignore[assignment]  # like Mask

    def __str__(self) -> str:
        return str(list(self.names))

    def __repr__(self) -> str:
        return f"MaskSchema({list(self._planes)!r}, dtype={self._dtype!r})"

    def _short_repr(self) -> str:
        """Return the ``repr``, without the descriptions of planes if it is long."""
        full = repr(self)
        return (
            full
            if len(full) <= MAX_SCHEMA_REPR
            else f"<MaskSchema({list(self.names)!r}, dtype={self._dtype!r})>"
        )

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the mask array (`numpy.dtype`)."""
        return self._dtype

    @property
    def mask_size(self) -> int:
        """Number of elements of the mask array for each pixel (`int`)."""
        return self._mask_size

    @property
    def names(self) -> KeysView[str]:
        """Names of the planes, in order and as a set."""
        return self._bits.keys()

    @property
    def descriptions(self) -> Mapping[str, str]:
        """Descriptions of the planes by name."""
        return MappingProxyType(self._descriptions)

    @accepts_aliases(name="plane")
    def bit(self, name: str) -> MaskPlaneBit:
        """Return the position of a plane in the mask array.

        Parameters
        ----------
        name
            Name of the plane.

        Raises
        ------
        KeyError
            If the schema does not have this plane.
        """
        try:
            return self._bits[name]
        except (KeyError, TypeError):  # TypeError: not hashable
            raise KeyError(
                f"Unknown mask plane {short_repr(name)}; available planes: {list(self._bits)}."
                f"{did_you_mean(name, self._bits)}"
            ) from None

    def bitmask(self, *names: str) -> np.ndarray:
        """Return a pixel in which some planes are set.

        Parameters
        ----------
        *names
            Names of the planes.

        Returns
        -------
        pixel
            Array of length `mask_size` and type `dtype`, which broadcasts with
            the array of a mask.

        Raises
        ------
        KeyError
            If the schema does not have one of the planes.
        """
        result = np.zeros(self._mask_size, dtype=self._dtype)
        for name in names:
            bit = self.bit(name)
            result[bit.index] |= bit.mask
        return result

    @accepts_aliases(pixel="value")
    def interpret(self, pixel: np.ndarray) -> list[str]:
        """Return the names of the planes that are set in a pixel.

        Parameters
        ----------
        pixel
            One-dimensional array: a pixel of a mask array.

        Returns
        -------
        names
            Names in the order of the planes.
        """
        return [name for name, bit in self._bits.items() if bit.check(pixel)]

    def split(self, dtype: npt.DTypeLike) -> list[MaskSchema]:
        """Distribute the planes over schemas with one element per pixel.

        Parameters
        ----------
        dtype
            Integer type of the new schemas.

        Returns
        -------
        schemas
            At least one schema; unused bits are dropped.
        """
        stride = self.bits_per_element(dtype)
        planes = [plane for plane in self._planes if plane is not None]
        starts = range(0, max(len(planes), 1), stride)
        return [MaskSchema(planes[start : start + stride], dtype) for start in starts]

    def _changed(self, added: Iterable[MaskPlane | None], drop: Set[str]) -> MaskSchema:
        """Return a schema without some planes and with others appended; see `Mask.add_planes`."""
        if unknown := drop - self.names:
            raise ValueError(
                f"Cannot drop unknown mask planes {sorted(unknown)}; available planes: {list(self.names)}."
            )
        planes = [plane for plane in self._planes if plane is None or plane.name not in drop]
        planes.extend(added)
        names = [plane.name for plane in planes if plane is not None]
        if repeated := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"Cannot add mask planes {repeated}: planes of these names already exist.")
        return MaskSchema(planes, self._dtype)

    # Header cards.

    def update_header(self, header: MutableMapping[str, Any]) -> None:
        """Write cards that describe the planes to a FITS header.

        Parameters
        ----------
        header
            Mapping of FITS keywords, such as an astropy header.  Three cards
            are added for each plane, with the bit number in four digits:
            ``MSKNnnnn`` the name, ``MSKMnnnn`` the value of the bit,
            ``MSKDnnnn`` the description.  Characters that FITS does not
            allow are escaped.

        Raises
        ------
        TypeError
            If there is more than one element per pixel.
        """
        if self._mask_size > 1:
            raise TypeError(
                "Header cards can describe only masks with one integer per pixel; this schema has "
                f"{self._mask_size}. Use split() first."
            )
        for n, plane in enumerate(self._planes):
            if plane is not None:
                header[f"MSKN{n:04d}"] = escape_unprintable(plane.name)
                header[f"MSKM{n:04d}"] = int(self._bits[plane.name].mask)
                header[f"MSKD{n:04d}"] = escape_unprintable(plane.description)

    def strip_header(self, header: MutableMapping[str, Any]) -> None:
        """Remove all cards of the kind that `update_header` writes.

        Parameters
        ----------
        header
            Mapping of FITS keywords, such as an Astropy header.

        Notes
        -----
        All cards of this form are removed, also those of other planes, because
        bit numbers start at one in early files.
        """
        for key in [key for key in header if _CARD.fullmatch(key)]:
            del header[key]

    @classmethod
    def from_fits_header(cls, header: Mapping[str, Any], dtype: npt.DTypeLike = np.uint8) -> MaskSchema:
        """Create a schema from the cards that `update_header` writes.

        Parameters
        ----------
        header
            Mapping of FITS keywords, such as an Astropy header.
        dtype
            Integer type of the mask array.

        Returns
        -------
        schema
            Schema in which bit numbers without a card are unused.

        Raises
        ------
        ValueError
            If the header has no such cards.
        """
        matches = (match for key in header if (match := _CARD.fullmatch(key)))
        numbers = sorted({int(match[2]) for match in matches if match[1] == "N"})
        if not numbers:
            raise ValueError(
                "The header has no MSKNnnnn cards, which are required to determine the mask planes."
            )
        planes: list[MaskPlane | None] = [None] * (numbers[-1] + 1)
        for n in numbers:
            planes[n] = MaskPlane(str(header[f"MSKN{n:04d}"]), str(header.get(f"MSKD{n:04d}", "")))
        return cls(planes, dtype)
