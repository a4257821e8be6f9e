# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Describe NDFs of other software with a tree of the published schemas.

The input archive returns this tree in place of a stored one, so that the
generic reader reads these files too.

Source: Starlink Document SUN/33, appendix on the layout of NDF structures.
"""

from __future__ import annotations

__all__ = ("StarlinkNdf",)

import logging
import warnings
from types import EllipsisType
from typing import Any

import numpy as np

from ..errors import ArchiveReadError, LossyConversionWarning, NotAnArchiveError
from ..serialization import SCHEMA_URL_BASE, ArrayReferenceModel, NumberType, parse_unit
from ..utils import cached_property, short_repr
from ._hds import get_class, is_dataset, number_type_of, read_array, read_records, read_text
from ._links import lookup, members
from ._source import reading
from ._wcs import lines_from_records, pixel_to_sky_text

FILL_PREFIX = "fill:"
"""Prefix of the source of an array that is constant and not in the file."""

MASK_SOURCE = "mask:"
"""Source of mask planes that are computed from QUALITY and bad values."""

_ALL_BADBITS = 255
_BITS = 8

_log = logging.getLogger("lsst.images.ndf")


class StarlinkNdf:
    """The components of an NDF without a tree.

    Parameters
    ----------
    root
        The open file.

    Raises
    ------
    NotAnArchiveError
        If the file does not contain exactly one NDF.
    """

    def __init__(self, root: Any) -> None:
        self._ndf = _find_ndf(root)
        self._data = self._array("DATA_ARRAY")
        self._variance = self._array("VARIANCE")
        self._quality = self._array("QUALITY/QUALITY")
        if self._data is None:
            raise NotAnArchiveError(f"The NDF {self._ndf.name!r} has no DATA_ARRAY.")
        if self._data.ndim != 2:
            raise ArchiveReadError(
                f"The NDF {self._ndf.name!r} has {self._data.ndim} dimensions; only NDFs with 2 can be read."
            )

    @property
    def best_schema(self) -> str:
        """Name of the smallest schema that holds all components of the NDF."""
        return (
            "masked_image"
            if self._get("VARIANCE") is not None or self._get("QUALITY") is not None
            else "image"
        )

    def make_tree(self, schema: str) -> dict[str, Any]:
        """Describe the NDF.

        Parameters
        ----------
        schema
            ``image`` or ``masked_image``.  Missing components of a masked image
            are replaced: no pixel is bad, and all variances are 1.

        Returns
        -------
        tree
            Raw JSON object.

        Raises
        ------
        ArchiveReadError
            If the schema is neither of these.
        """
        trees = {"image": self._image_tree, "masked_image": self._masked_image_tree}
        if schema not in trees:
            raise ArchiveReadError(
                f"An NDF of other software can be read as one of {sorted(trees)}, not as "
                f"{short_repr(schema)}."
            )
        with reading(f"The NDF {self._ndf.name!r}"):
            tree = trees[schema]()
            if (projection := self._projection_tree()) is not None:
                tree["sky_projection"] = projection
        return tree

    @property
    def cards(self) -> list[str]:
        """Cards of the FITS extension."""
        fits = self._get("MORE/FITS")
        return [] if fits is None else read_records(fits)

    # Trees.

    def _image_tree(self) -> dict[str, Any]:
        data = _reference(self._data)
        unit = self._unit()
        return self._stamped("image", data=data if unit is None else {"value": data, "unit": unit})

    def _masked_image_tree(self) -> dict[str, Any]:
        variance = self._variance
        ones = {"source": f"{FILL_PREFIX}1", "shape": list(self._data.shape), "datatype": "float32"}
        return {
            **_stamps("masked_image"),
            "image": self._image_tree(),
            "mask": self._mask_tree(),
            "variance": self._stamped("image", data=ones if variance is None else _reference(variance)),
        }

    def _mask_tree(self) -> dict[str, Any]:
        quality = self._quality
        planes = []
        if quality is not None:
            if quality.dtype != np.uint8 or quality.shape != self._data.shape:
                raise ArchiveReadError(
                    f"QUALITY is {quality.dtype} of shape {quality.shape}; expected uint8 of shape "
                    f"{self._data.shape}."
                )
            planes = [_plane(bit, self._badbits()) for bit in range(_BITS)]
        if quality is None or self._has_bad_pixels:
            planes.append({"name": "BAD", "description": "Pixel has the Starlink bad value."})
        size = -(-len(planes) // _BITS)
        data = {"source": MASK_SOURCE, "shape": [*self._data.shape, size], "datatype": "uint8"}
        return self._stamped("mask", data=[data], planes=planes, dtype="uint8")

    # Pixels.

    def read(self, model: ArrayReferenceModel, slices: tuple[slice, ...] | EllipsisType) -> np.ndarray | None:
        """Read an array of the tree that is not stored as it is described.

        Parameters
        ----------
        model
            Reference to the array.
        slices
            Part to read.

        Returns
        -------
        array
            Mask planes, constants, and pixels with bad values; `None` for
            other arrays.
        """
        source = str(model.source)
        if source == MASK_SOURCE:
            return self._read_mask(model.shape, slices)
        if source.startswith(FILL_PREFIX):
            value = model.datatype.to_numpy()(int(source.removeprefix(FILL_PREFIX)))
            return np.broadcast_to(value, model.shape)[slices].copy()
        for dataset in filter(None, (self._data, self._variance)):
            if source == _reference(dataset)["source"]:
                return self._read_pixels(dataset, slices)
        return None

    def _read_pixels(self, dataset: Any, slices: tuple[slice, ...] | EllipsisType) -> np.ndarray:
        array = read_array(dataset, slices)
        bad = self._bad_pixels(dataset, array)
        if bad.any():
            if array.dtype.kind == "f":
                array[bad] = np.nan
            elif self.best_schema == "image":
                warnings.warn(
                    f"{int(bad.sum())} pixels of {dataset.name!r} have the Starlink bad value "
                    f"{array[bad][0]}, which integer pixels keep; read a MaskedImage to have them masked.",
                    LossyConversionWarning,
                    stacklevel=2,
                )
        return array

    def _read_mask(self, shape: tuple[int, ...], slices: tuple[slice, ...] | EllipsisType) -> np.ndarray:
        *where, last = (slice(None),) * 3 if slices is ... else slices
        part = tuple(where)
        rows, columns = (len(range(*s.indices(n))) for s, n in zip(part, self._data.shape, strict=True))
        bad = np.zeros((rows, columns), dtype=bool)
        for dataset in filter(None, (self._data, self._variance)):
            if dataset.shape == self._data.shape:
                bad |= self._bad_pixels(dataset, read_array(dataset, part))
        result = np.zeros((*bad.shape, shape[2]), dtype=np.uint8)
        if self._quality is not None:
            result[..., 0] = read_array(self._quality, part)
        if self._quality is None or shape[2] > 1:
            result[..., -1] = bad
        return result[..., last]

    def _bad_pixels(self, dataset: Any, array: np.ndarray) -> np.ndarray:
        """Return where an array has the bad value of its type."""
        flag = None if dataset.name == "/" else lookup(dataset.parent, "BAD_PIXEL")
        may_be_bad = flag is None or not is_dataset(flag) or bool(read_array(flag))
        value = _bad_value(array.dtype)
        result: np.ndarray = (
            (array == value) if may_be_bad and value is not None else np.zeros(array.shape, bool)
        )
        return result

    @cached_property
    def _has_bad_pixels(self) -> bool:
        datasets = filter(None, (self._data, self._variance))
        return any(bool(self._bad_pixels(dataset, read_array(dataset)).any()) for dataset in datasets)

    def _projection_tree(self) -> dict[str, Any] | None:
        if (records := self._get("WCS/DATA")) is None:
            return None
        y0, x0 = self._yx0()
        try:
            text = pixel_to_sky_text(lines_from_records(read_records(records)), x0, y0)
        except ValueError as err:
            _log.warning("Ignoring the WCS of the NDF %r, which cannot be read: %s", self._ndf.name, err)
            return None
        frames = [{"unit": "pixel", "frame_type": "GENERAL"}, "ICRS"]
        transform = {**_stamps("transform"), "frames": frames, "bounds": [None, None]}
        return {**_stamps("sky_projection"), "pixel_to_sky": {**transform, "mappings": [{"ast": text}]}}

    def _stamped(self, schema: str, **members: Any) -> dict[str, Any]:
        return {**_stamps(schema), **members, "yx0": self._yx0()}

    # Components.

    def _get(self, path: str) -> Any:
        return lookup(self._ndf, path)

    def _array(self, path: str) -> Any:
        """Return the dataset of an array in primitive or simple form."""
        found = self._get(path)
        if found is None or is_dataset(found):
            return found
        variant, data = lookup(found, "VARIANT"), lookup(found, "DATA")
        if data is None or (variant is not None and read_text(variant).strip() not in ("SIMPLE", "")):
            raise ArchiveReadError(
                f"The array {found.name!r} with the members {sorted(found)} cannot be read; only simple "
                "arrays are supported, not scaled, compressed or sparse ones."
            )
        return data

    def _yx0(self) -> list[int]:
        origin = self._get("DATA_ARRAY/ORIGIN")
        if origin is None:
            return [0, 0]
        x0, y0 = (int(value) for value in read_array(origin))
        return [y0, x0]

    def _unit(self) -> str | None:
        units = self._get("UNITS")
        if units is None or not (text := read_text(units).strip()):
            return None
        try:
            parse_unit(text)
        except ValueError as err:
            _log.warning("Ignoring the invalid unit %r of the NDF %r: %s", text, self._ndf.name, err)
            return None
        return text

    def _badbits(self) -> int:
        badbits = self._get("QUALITY/BADBITS")
        return _ALL_BADBITS if badbits is None else int(badbits[()])


def _find_ndf(root: Any) -> Any:
    if get_class(root) == "NDF" or lookup(root, "DATA_ARRAY") is not None:
        return root
    children = [item for item in members(root) if not is_dataset(item) and get_class(item) == "NDF"]
    if len(children) != 1:
        raise NotAnArchiveError(
            "The HDF5 file has neither a tree at /MORE/LSST/JSON or /LSST/JSON nor a single NDF; its root "
            f"group contains {sorted(root)}."
        )
    return children[0]


def _stamps(schema: str) -> dict[str, Any]:
    version = "1.0.0"
    url = f"{SCHEMA_URL_BASE}/{schema}-{version}"
    return {"schema_version": version, "min_read_version": 1, "schema_url": url}


def _reference(dataset: Any) -> dict[str, Any]:
    datatype = NumberType.from_numpy(number_type_of(dataset)).value
    return {"source": f"ndf:{dataset.name}", "shape": list(dataset.shape), "datatype": datatype}


def _plane(bit: int, badbits: int) -> dict[str, str]:
    selected = "makes a pixel bad" if badbits >> bit & 1 else "does not make a pixel bad"
    return {"name": f"MASK{bit}", "description": f"Bit {bit} of QUALITY, which by BADBITS {selected}."}


def _bad_value(dtype: np.dtype) -> Any:
    """Return the value that means "bad" in HDS, by type (SUN/33, PRIMDAT)."""
    if dtype.kind == "f":
        return np.finfo(dtype).min
    if dtype.kind == "i":
        return np.iinfo(dtype).min
    return np.iinfo(dtype).max if dtype.kind == "u" else None
