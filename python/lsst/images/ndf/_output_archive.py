# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Write NDFs."""

from __future__ import annotations

__all__ = ("NdfOutputArchive",)

import logging
import re
import warnings
from collections.abc import Callable, Mapping
from typing import IO, Any, Self

import astropy.units as u
import numpy as np
import pydantic

from .._geom import Box
from ..errors import ArchiveWriteError, InvalidArgumentError, LossyConversionWarning
from ..fits import CARD_SIZE
from ..plugins import registry
from ..serialization import (
    ArchiveTree,
    ArrayHints,
    ArrayReferenceModel,
    NumberType,
    OutputArchive,
    Pointer,
    TableModel,
)
from ..utils import escape_unprintable, short_repr
from ._hds import create_structure, import_h5py, set_class, write_array, write_records, write_text
from ._input_archive import FORMAT_VERSION, SOURCE_PREFIX
from ._layout import Layout
from ._pointer import NdfPointerModel
from ._wcs import RECORD_SIZE, image_wcs_lines, mask_wcs_lines, records_from_lines

ROOT_PLANES = {"image": "DATA_ARRAY", "variance": "VARIANCE"}
"""Components of an NDF for arrays, by path in the archive."""

MASK = "mask"
"""Path of the mask that is also written as the QUALITY component."""

MIN_JSON_SIZE = MIN_MODEL_SIZE = 80
"""Minimum size of the tree, and of the URL of its schema, in characters."""

COMPRESSION_OPTIONS = frozenset({"compression", "compression_opts", "shuffle", "fletcher32", "chunks"})

_UNPRINTABLE = re.compile(r"[^ -~]")

_log = logging.getLogger("lsst.images.ndf")


class NdfOutputArchive(OutputArchive):
    """An NDF that is being written.

    Parameters
    ----------
    stream
        Binary stream to write the file to.
    cards
        Cards of 80 characters for the FITS extension.
    compression_options
        Options of ``h5py.Group.create_dataset``.
    """

    CONTAINER = "ndf"
    prefers_native_masks = True

    def __init__(
        self,
        stream: IO[bytes],
        *,
        cards: tuple[str, ...] = (),
        compression_options: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__()
        self._file = import_h5py().File(stream, "w")
        self._cards = cards
        self._compression = dict(compression_options or {})
        self._layout = Layout(self._file)

    @classmethod
    def create(cls, stream: IO[bytes], *, passthrough: Any = None, **options: Any) -> Self:
        """Create a file.

        Parameters
        ----------
        stream
            Empty, seekable, readable and writable binary stream.
        passthrough
            Passthrough metadata.  Primary header cards are written to the
            FITS extension if it has a method ``primary_cards``.
        **options
            ``compression_options``: options of h5py for all arrays, for
            instance ``{"compression": "gzip", "compression_opts": 4}``.

        Returns
        -------
        archive
            The open archive.

        Raises
        ------
        InvalidArgumentError
            If the container does not have an option.
        """
        compression = options.pop("compression_options", None) or {}
        if unknown := [*options, *(compression.keys() - COMPRESSION_OPTIONS)]:
            raise InvalidArgumentError(
                f"Invalid options {sorted(unknown)} of the ndf container; its only option is "
                f"compression_options, with the keys {sorted(COMPRESSION_OPTIONS)}."
            )
        found: tuple[str, ...] = tuple(getattr(passthrough, "primary_cards", tuple)())
        cards = tuple(
            card if escape_unprintable(card) == card else _UNPRINTABLE.sub("?", card) for card in found
        )
        if cards != found:
            warnings.warn(
                "Header cards with characters that FITS does not allow are written with question marks.",
                LossyConversionWarning,
                stacklevel=2,
            )
        return cls(stream, cards=cards, compression_options=compression)

    def close(self) -> None:
        self._file.close()

    # Arrays.

    def _write_array(
        self,
        array: np.ndarray,
        path: str,
        version: int,
        *,
        hints: ArrayHints,
        tile_shape: tuple[int, ...] | None,
        options_name: str,
    ) -> ArrayReferenceModel:
        array = np.asarray(array)
        try:
            datatype = NumberType.from_numpy(array.dtype)
        except ValueError as err:
            raise ArchiveWriteError(f"Cannot write array {short_repr(path)}: {err}") from err
        if _is_native_mask(array, hints.bbox):
            dataset = self._write_mask(array, path, version, hints)
        else:
            dataset = self._write_plane(array, path, version, hints)
        return ArrayReferenceModel(source=_source(dataset), shape=array.shape, datatype=datatype)

    def _write_plane(self, array: np.ndarray, path: str, version: int, hints: ArrayHints) -> Any:
        """Write an array that is not a mask."""
        component = ROOT_PLANES.get(path) if version == 1 and array.ndim else None
        if component is not None and component not in self._file:
            ndf, origin = self._file, _origin(hints.bbox, array.ndim)
        elif (plane := self._find_plane(array, path, version, hints)) is not None:
            ndf, component, origin = plane, "DATA_ARRAY", _origin(hints.bbox, 2)
        else:
            # The tree stores the origin of arrays that are not NDF components.
            ndf, component, origin = self._layout.add_ndf(path, version), "DATA_ARRAY", [0] * array.ndim
            return self._write_component(ndf, component, array, origin)
        dataset = self._write_component(ndf, component, array, origin)
        self._write_wcs(ndf, hints, image_wcs_lines)
        if component == "DATA_ARRAY" and hints.unit is not None:
            write_text(ndf, "UNITS", _format_unit(hints.unit))
        return dataset

    def _find_plane(self, array: np.ndarray, path: str, version: int, hints: ArrayHints) -> Any | None:
        """Return a top-level group for one of several images, or `None`."""
        if version > 1 or "/" in path or path in (*ROOT_PLANES, MASK) or hints.bbox is None:
            return None
        return self._layout.add_plane(path) if array.shape == tuple(hints.bbox.shape) else None

    def _write_mask(self, array: np.ndarray, path: str, version: int, hints: ArrayHints) -> Any:
        """Write a mask of shape ``(y, x, byte)``, with the byte axis slowest."""
        ndf = self._layout.add_ndf(path, version)
        origin = [*_origin(hints.bbox, 2), 0]
        dataset = self._write_component(ndf, "DATA_ARRAY", np.moveaxis(array, -1, 0), origin)
        write_array(dataset.parent, "BAD_PIXEL", np.array(False))
        self._write_wcs(ndf, hints, mask_wcs_lines)
        if path == MASK and version == 1:
            self._write_wcs(self._file, hints, image_wcs_lines)
            if array.dtype == np.uint8:
                self._write_quality(array, origin[:2])
        return dataset

    def _write_quality(self, mask: np.ndarray, origin: list[int]) -> None:
        quality = create_structure(self._file, "QUALITY", "QUALITY")
        write_array(quality, "BADBITS", np.array(255, dtype=np.uint8))
        inner = create_structure(quality, "QUALITY", "ARRAY")
        # QUALITY has eight bits.  For a mask with more planes it is 1 where any
        # plane is set.
        data = mask[..., 0] if mask.shape[-1] == 1 else mask.any(axis=-1).astype(np.uint8)
        write_array(inner, "DATA", np.ascontiguousarray(data), self._compression)
        # The public package writes _INTEGER here; larger numbers need _INT64, as in arrays of pixels.
        small = all(abs(start) < 2**31 for start in origin)
        write_array(inner, "ORIGIN", np.array(origin, dtype=np.int32 if small else np.int64))
        write_array(inner, "BAD_PIXEL", np.array(False))

    def _write_component(self, ndf: Any, name: str, array: np.ndarray, origin: list[int]) -> Any:
        component = create_structure(ndf, name, "ARRAY")
        try:
            dataset = write_array(component, "DATA", array, self._compression)
        except (TypeError, ValueError) as err:
            raise ArchiveWriteError(f"Cannot write {component.name!r} of type {array.dtype}: {err}") from err
        if origin:
            write_array(component, "ORIGIN", np.array(origin, dtype=np.int64))
        return dataset

    def _write_wcs(self, ndf: Any, hints: ArrayHints, describe: Callable[[Any, Box], list[str]]) -> None:
        if hints.projection is None or hints.bbox is None or "WCS" in ndf:
            return
        if not hasattr(hints.projection, "pixel_to_sky_transform"):
            _log.warning("%s cannot be serialized as AST text.", type(hints.projection).__name__)
            return
        records = records_from_lines(describe(hints.projection, hints.bbox))
        write_records(create_structure(ndf, "WCS", "WCS"), "DATA", records, RECORD_SIZE)

    # Tables and subtrees.

    def _write_columns(
        self,
        array: np.ndarray,
        path: str,
        version: int,
        *,
        units: Mapping[str, u.UnitBase | None],
        descriptions: Mapping[str, str],
        meta: Mapping[str, Any],
    ) -> TableModel:
        table = TableModel.from_structured_array(
            array, source="{}", units=units, descriptions=descriptions, meta=meta
        )
        for column in table.columns:
            name = column.name if len(table.columns) > 1 else ""
            values = np.asarray(array[column.name])
            group = self._layout.add_ndf(path, version, name)
            dataset = self._write_component(group, "DATA_ARRAY", values, [0] * values.ndim)
            column.data = column.data.model_copy(update={"source": _source(dataset)})
        return table

    def _write_pointer(self, path: str, tree: pydantic.BaseModel) -> Pointer:
        group = self._layout.add_pointer_target(path)
        _write_json(group, tree)
        return Pointer(NdfPointerModel(path=f"{group.name}/JSON").model_dump())

    # Completion.

    def finish(self, tree: ArchiveTree) -> None:
        home = self._layout.home
        _write_json(home, tree)
        write_text(home, "DATA_MODEL", tree.schema_url, MIN_MODEL_SIZE)
        write_array(home, "FORMAT_VERSION", np.array(FORMAT_VERSION, dtype=np.int32))
        if self._cards:
            write_records(self._layout.extensions, "FITS", self._cards, CARD_SIZE)
        set_class(self._file, "EXT" if self._layout.is_collection else "NDF")
        self._file.attrs.create("HDS_ROOT_NAME", np.bytes_(_root_name(tree).encode("ascii", "replace")))
        self.close()


def _is_native_mask(array: np.ndarray, bbox: Box | None) -> bool:
    return bbox is not None and array.ndim == 3 and array.shape[:2] == tuple(bbox.shape)


def _origin(bbox: Box | None, n_axes: int) -> list[int]:
    """Return the coordinates of the first pixel, fastest axis first."""
    first = [] if bbox is None else [bbox.x.start, bbox.y.start]
    return [*first, *[0] * n_axes][:n_axes]


def _source(dataset: Any) -> str:
    return f"{SOURCE_PREFIX}{dataset.name}"


def _format_unit(unit: u.UnitBase) -> str:
    try:
        text = unit.to_string("fits")
    except ValueError:
        text = unit.to_string()
    # The FITS standard allows both spellings; the long one is more readable.
    text = re.sub(r"\bct\b", "count", text)
    return text.encode("ascii", "replace").decode()


def _write_json(group: Any, tree: pydantic.BaseModel) -> None:
    text = tree.model_dump_json(ensure_ascii=True)
    write_records(group, "JSON", [text], max(MIN_JSON_SIZE, len(text)))


def _root_name(tree: ArchiveTree) -> str:
    pytype = registry.pytype_for_schema(tree.SCHEMA_NAME)
    return tree.ROOT_NAME or (tree.SCHEMA_NAME if pytype is None else pytype.__name__)
