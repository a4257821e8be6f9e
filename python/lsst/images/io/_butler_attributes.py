# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Attributes for the Butler information of the file of an object."""

from __future__ import annotations

__all__ = ("ButlerAttributes",)

from typing import TYPE_CHECKING, Any

import pydantic

from ..errors import MissingOptionalDependencyError
from ..serialization import NO_ATTACHMENTS, Attachments
from ..serialization._deferred import available
from ..serialization._tree import tree_error

if TYPE_CHECKING:
    from lsst.daf.butler import DatasetProvenance, SerializedDatasetRef  # noqa: TID251


class ButlerAttributes:
    """Butler dataset and provenance of an object that was read from a file."""

    _attachments: Attachments = NO_ATTACHMENTS

    @property
    def butler_dataset(self) -> SerializedDatasetRef | None:
        """The butler dataset reference for this object
        (`lsst.daf.butler.SerializedDatasetRef` | `None`).

        `None` unless the object was read from a file that contains it.
        """
        found: SerializedDatasetRef | None = self._parse_butler_info("dataset", "SerializedDatasetRef")
        return found

    @property
    def butler_provenance(self) -> DatasetProvenance | None:
        """The butler inputs and ID of the task quantum that produced this
        dataset (`lsst.daf.butler.DatasetProvenance` | `None`).

        `None` unless the object was read from a file that contains it.
        """
        found: DatasetProvenance | None = self._parse_butler_info("provenance", "DatasetProvenance")
        return found

    def _parse_butler_info(self, name: str, model: str) -> Any:
        """Validate an item of the Butler information of the file."""
        raw = available((available(self._attachments.butler_info) or {}).get(name))
        if raw is None:
            return None
        model_type = getattr(_daf_butler(), model)
        try:
            return model_type.model_validate(raw)
        except pydantic.ValidationError as err:
            raise tree_error(err, at=f"butler_info/{name}") from err


def _daf_butler() -> Any:
    """Import `lsst.daf.butler`, which defines the types of the Butler information."""
    try:
        import lsst.daf.butler as daf_butler  # noqa: TID251  # optional; used by two properties only
    except ImportError as err:
        raise MissingOptionalDependencyError(
            "The Butler information of an object requires the package lsst-daf-butler; install it."
        ) from err
    return daf_butler
