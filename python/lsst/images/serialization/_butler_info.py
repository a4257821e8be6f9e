# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Validate the Butler dataset and provenance stored in a file.

The models here contain what this package reads.  The models of
`lsst.daf.butler` take long to import, and may not be installed.
"""

from __future__ import annotations

__all__ = ("ButlerInformation", "damaged_butler_info", "is_butler_info")

from typing import Any

import pydantic

from ._polymorphic import UnreadableTree
from ._tree import tree_error


class ButlerInformation(pydantic.BaseModel):
    """Butler dataset and provenance of a file, as objects of `lsst.daf.butler`.

    `lsst.images.butler.ButlerInfo` is the implementation, which this package
    can use without importing `lsst.daf.butler`.
    """

    dataset: Any
    """The dataset (`lsst.daf.butler.SerializedDatasetRef`)."""

    provenance: Any
    """Its inputs and quantum (`lsst.daf.butler.DatasetProvenance`)."""


class _DatasetType(pydantic.BaseModel):
    name: str | None = None


class _DataId(pydantic.BaseModel):
    data_id: dict[str, Any] | None = pydantic.Field(default=None, alias="dataId")


class _Dataset(pydantic.BaseModel):
    id: str | None = None
    run: str | None = None
    dataset_type: _DatasetType | None = pydantic.Field(default=None, alias="datasetType")
    data_id: _DataId | None = pydantic.Field(default=None, alias="dataId")


class _Provenance(pydantic.BaseModel):
    inputs: list[Any] | None = None


class _ButlerInfo(pydantic.BaseModel):
    dataset: _Dataset | None = None
    provenance: _Provenance | None = None


_ADAPTER = pydantic.TypeAdapter(_ButlerInfo | None)

is_butler_info = _ADAPTER.validator.isinstance_python
"""Return whether raw JSON has the members and types that this package reads."""


def damaged_butler_info(raw: Any) -> UnreadableTree:
    """Create a placeholder for Butler information that is not valid.

    Parameters
    ----------
    raw
        Raw JSON.

    Returns
    -------
    placeholder
        Has the validation error as its reason.

    Raises
    ------
    ValueError
        If it is valid.
    """
    try:
        _ADAPTER.validate_python(raw)
    except pydantic.ValidationError as err:
        return UnreadableTree.because(raw, tree_error(err, at="butler_info"))
    raise ValueError(f"The Butler information is valid; an error was expected: {raw!r:.80}.")
