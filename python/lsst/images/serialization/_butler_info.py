# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""What a file says about its dataset in a Butler, as far as anybody looks.

The models of the Butler itself are slow to import, and need not be there.
"""

from __future__ import annotations

__all__ = ("damaged_butler_info", "is_butler_info")

from typing import Any

import pydantic

from ._polymorphic import UnreadableTree
from ._tree import tree_error


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
"""Tells whether raw JSON has the form that everybody relies on."""


def damaged_butler_info(raw: Any) -> UnreadableTree:
    """Make what stands for Butler information that is not of that form.

    Parameters
    ----------
    raw
        Raw JSON.

    Returns
    -------
    branch
        Has the reason.

    Raises
    ------
    ValueError
        If it is of that form.
    """
    try:
        _ADAPTER.validate_python(raw)
    except pydantic.ValidationError as err:
        return UnreadableTree.because(raw, tree_error(err, at="butler_info"))
    raise ValueError(f"This Butler information is not damaged: {raw!r:.80}.")
