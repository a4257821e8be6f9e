# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Write JSON files, which consist of the tree with all arrays inline."""

from __future__ import annotations

__all__ = ("JsonOutputArchive",)

from collections.abc import Mapping
from typing import IO, Any, Self

import astropy.units as u
import numpy as np
import pydantic

from ..errors import ArchiveWriteError, InvalidArgumentError
from ..serialization import (
    ArchiveTree,
    ArrayHints,
    InlineArrayModel,
    OutputArchive,
    Pointer,
    TableModel,
)
from ..utils import short_repr


class JsonOutputArchive(OutputArchive):
    """A JSON file that is being written.

    Parameters
    ----------
    stream
        Binary stream to write the document to.
    """

    CONTAINER = "json"

    def __init__(self, stream: IO[bytes]) -> None:
        super().__init__()
        self._stream = stream
        self._indirect: list[pydantic.BaseModel] = []

    @classmethod
    def create(cls, stream: IO[bytes], *, passthrough: Any = None, **options: Any) -> Self:
        if options:
            raise InvalidArgumentError(
                f"The json container does not have the options {sorted(options)}; it has no options."
            )
        return cls(stream)

    def finish(self, tree: ArchiveTree) -> None:
        tree.indirect = [target.model_dump(mode="json") for target in self._indirect]
        self._stream.write(tree.model_dump_json().encode())

    def _write_array(
        self,
        array: np.ndarray,
        path: str,
        version: int,
        *,
        hints: ArrayHints,
        tile_shape: tuple[int, ...] | None,
        options_name: str,
    ) -> InlineArrayModel:
        try:
            return InlineArrayModel.from_array(array)
        except ValueError as err:
            raise ArchiveWriteError(f"Cannot write array {short_repr(path)}: {err}") from err

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
        return TableModel.from_structured_array(
            array, source=None, units=units, descriptions=descriptions, meta=meta
        )

    def _write_pointer(self, path: str, tree: pydantic.BaseModel) -> Pointer:
        self._indirect.append(tree)
        return Pointer({"$ref": f"#/indirect/{len(self._indirect) - 1}"})
