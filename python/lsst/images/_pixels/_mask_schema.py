# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""The planes of a mask, and the bits they occupy."""

from __future__ import annotations

__all__ = ("MaskPlane", "MaskPlaneBit", "MaskSchema")

import dataclasses
import re
from collections.abc import Iterable, Iterator, KeysView, Mapping, MutableMapping, Set
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt

from ..describe import Described

_CARD = re.compile(r"MSK([NMD])(\d{4})")
_LEGACY_PREFIX = "MP_"


@dataclasses.dataclass(frozen=True)
class MaskPlane:
    """One flag that pixels of a mask may have.

    Parameters
    ----------
    name
        Name of the plane, unique in a mask.
    description
        What the flag means.
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
            Whether to remove the cards that are understood.

        Returns
        -------
        bits
            Number of the bit of each plane, by name, in order of the cards.
        """
        keys = [key for key in header if key.upper().startswith(_LEGACY_PREFIX)]
        bits = {key[len(_LEGACY_PREFIX) :]: int(header[key]) for key in keys}
        if strip:
            for key in keys:
                del header[key]
        return bits


@dataclasses.dataclass(frozen=True)
class MaskPlaneBit:
    """Where a plane is in the array of a mask.

    Parameters
    ----------
    index
        Index into the last axis of the array.
    mask
        Value of the bit, an integer of the type of the array.
    """

    index: int
    mask: np.integer[Any]

    @classmethod
    def compute(cls, overall_index: int, stride: int, mask_type: npt.DTypeLike) -> MaskPlaneBit:
        """Find the bit of a plane.

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
            Its place.
        """
        index, bit = divmod(overall_index, stride)
        mask: Any = np.dtype(mask_type).type(1 << bit)
        return cls(index, mask)

    def check(self, pixel: np.ndarray) -> bool:
        """Tell whether the bit is set.

        Parameters
        ----------
        pixel
            One-dimensional array: a pixel of a mask array.

        Returns
        -------
        is_set
            Whether it is.
        """
        return bool(pixel[self.index] & self.mask)


class MaskSchema(Described):
    """Planes of a mask in the order of their bits; immutable.

    Parameters
    ----------
    planes
        The planes; `None` leaves a bit unused.  No planes at all count as one
        unused bit.
    dtype
        Integer type of the mask array.

    Raises
    ------
    TypeError
        If the type is no integer, or a plane is no `MaskPlane`.
    ValueError
        If two planes have one name.
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
                raise TypeError(f"The planes of a mask are MaskPlane objects or None, not {plane!r:.80}.")
            if plane.name in self._bits:
                raise ValueError(f"A mask cannot have two planes of the name {plane.name!r}.")
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
            If it is no integer type.
        """
        dtype = np.dtype(dtype)
        if dtype.kind not in "iu":
            raise TypeError(f"A mask array holds integers, not {dtype.name!r}.")
        return dtype.itemsize * 8 - (dtype.kind == "i")

    # Looking at the planes.

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

    __hash__ = None  # type: ignore[assignment]  # as the masks it describes

    def __str__(self) -> str:
        return str(list(self.names))

    def __repr__(self) -> str:
        return f"MaskSchema({list(self._planes)!r}, dtype={self._dtype!r})"

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

    def bit(self, name: str) -> MaskPlaneBit:
        """Return the place of a plane.

        Parameters
        ----------
        name
            Name of the plane.

        Raises
        ------
        KeyError
            If there is no such plane.
        """
        try:
            return self._bits[name]
        except KeyError:
            raise KeyError(f"There is no mask plane {name!r}; there are {list(self._bits)}.") from None

    def bitmask(self, *names: str) -> np.ndarray:
        """Return a pixel in which some planes are set.

        Parameters
        ----------
        *names
            Names of the planes.

        Returns
        -------
        pixel
            Array of length `mask_size` and type `dtype`.  It broadcasts with
            the array of a mask.

        Raises
        ------
        KeyError
            If there is no such plane.
        """
        result = np.zeros(self._mask_size, dtype=self._dtype)
        for name in names:
            bit = self.bit(name)
            result[bit.index] |= bit.mask
        return result

    def interpret(self, pixel: np.ndarray) -> list[str]:
        """List the planes that are set in a pixel.

        Parameters
        ----------
        pixel
            One-dimensional array: a pixel of a mask array.

        Returns
        -------
        names
            In the order of the planes.
        """
        return [name for name, bit in self._bits.items() if bit.check(pixel)]

    def split(self, dtype: npt.DTypeLike) -> list[MaskSchema]:
        """Distribute the planes over schemas with one element for each pixel.

        Parameters
        ----------
        dtype
            Integer type of the new schemas.

        Returns
        -------
        schemas
            At least one; unused bits are left out.
        """
        stride = self.bits_per_element(dtype)
        planes = [plane for plane in self._planes if plane is not None]
        starts = range(0, max(len(planes), 1), stride)
        return [MaskSchema(planes[start : start + stride], dtype) for start in starts]

    def _changed(self, added: Iterable[MaskPlane | None], drop: Set[str]) -> MaskSchema:
        """Make the schema of `Mask.add_planes`, without some planes and with others after the rest."""
        if unknown := drop - self.names:
            raise ValueError(f"Cannot drop mask planes {sorted(unknown)}; there are only {list(self.names)}.")
        planes = [plane for plane in self._planes if plane is None or plane.name not in drop]
        planes.extend(added)
        names = [plane.name for plane in planes if plane is not None]
        if repeated := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"Cannot add mask planes {repeated}: a plane of that name already exists.")
        return MaskSchema(planes, self._dtype)

    # Header cards.

    def update_header(self, header: MutableMapping[str, Any]) -> None:
        """Describe the planes in a FITS header.

        Parameters
        ----------
        header
            Mapping of FITS keywords, such as an Astropy header.  It gets
            three cards for each plane, with the number of its bit in four
            digits: ``MSKNnnnn`` the name, ``MSKMnnnn`` the value of the bit,
            ``MSKDnnnn`` the description.

        Raises
        ------
        TypeError
            If pixels have more than one element.
        """
        if self._mask_size > 1:
            raise TypeError(
                f"Header cards describe one integer for each pixel, and these pixels have {self._mask_size}; "
                "use split() first."
            )
        for n, plane in enumerate(self._planes):
            if plane is not None:
                header[f"MSKN{n:04d}"] = plane.name
                header[f"MSKM{n:04d}"] = int(self._bits[plane.name].mask)
                header[f"MSKD{n:04d}"] = plane.description

    def strip_header(self, header: MutableMapping[str, Any]) -> None:
        """Remove all cards of the kind that `update_header` writes.

        Parameters
        ----------
        header
            Mapping of FITS keywords, such as an Astropy header.

        Notes
        -----
        Cards of other planes go too: numbers started at one in early files.
        """
        for key in [key for key in header if _CARD.fullmatch(key)]:
            del header[key]

    @classmethod
    def from_fits_header(cls, header: Mapping[str, Any], dtype: npt.DTypeLike = np.uint8) -> MaskSchema:
        """Make a schema of the cards that `update_header` writes.

        Parameters
        ----------
        header
            Mapping of FITS keywords, such as an Astropy header.
        dtype
            Integer type of the mask array.

        Returns
        -------
        schema
            Numbers without a card are unused bits.

        Raises
        ------
        ValueError
            If there are no such cards.
        """
        matches = (match for key in header if (match := _CARD.fullmatch(key)))
        numbers = sorted({int(match[2]) for match in matches if match[1] == "N"})
        if not numbers:
            raise ValueError(
                "There are no MSKN cards in the header, so nothing says what its mask planes are."
            )
        planes: list[MaskPlane | None] = [None] * (numbers[-1] + 1)
        for n in numbers:
            planes[n] = MaskPlane(str(header[f"MSKN{n:04d}"]), str(header.get(f"MSKD{n:04d}", "")))
        return cls(planes, dtype)
