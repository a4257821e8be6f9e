# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Tables as JSON: columns by reference into the container, or inline."""

from __future__ import annotations

__all__ = ("TableColumnModel", "TableModel")

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self

import astropy.units as u
import numpy as np
import pydantic

from ..errors import ArchiveReadError, UnsupportedTableError
from ..utils import short_repr
from ._arrays import ArrayModel, ArrayReferenceModel, InlineArrayModel
from ._fields import MetadataValue, Named, Series, omit_if_empty, omit_if_none
from ._numbers import NumberType
from ._units import Unit

if TYPE_CHECKING:
    import astropy.table


class TableColumnModel(pydantic.BaseModel):
    """One column of a table."""

    data: ArrayModel = pydantic.Field(union_mode="left_to_right")
    name: str
    description: str = omit_if_empty(str)
    unit: Unit | None = omit_if_none()
    meta: Named[MetadataValue] = omit_if_empty(dict)

    @property
    def cell_shape(self) -> tuple[int, ...]:
        """Shape of the cell of one row."""
        shape = tuple(self.data.shape)
        return shape[1:] if isinstance(self.data, InlineArrayModel) else shape

    def update_table(self, table: astropy.table.Table) -> None:
        """Set unit, description and metadata of a column that was read.

        Parameters
        ----------
        table
            The table; its column of the same name is changed.

        Raises
        ------
        ArchiveReadError
            If the column is missing, or does not have the declared type or shape.
        """
        if self.name not in table.colnames:
            raise ArchiveReadError(f"The table has no column {self.name!r}; it has {table.colnames}.")
        column = table[self.name]
        if column.dtype.base.name != self.data.datatype.value or column.shape[1:] != self.cell_shape:
            raise ArchiveReadError(
                f"Column {self.name!r} contains {column.dtype.name} of shape {column.shape[1:]} per row, "
                f"but the tree declares {self.data.datatype.value} of shape {self.cell_shape}."
            )
        column.unit = self.unit
        column.description = self.description or None
        column.meta.update(self.meta)


class TableModel(pydantic.BaseModel):
    """A table."""

    columns: Series[TableColumnModel]
    meta: Named[MetadataValue] = omit_if_empty(dict)

    @pydantic.model_validator(mode="before")
    @classmethod
    def _accept_first_spelling(cls, data: Any) -> Any:
        """Convert the form of the first releases to the current one.

        In the first releases a table had one ``source``, and the columns were
        numbered.
        """
        if not (isinstance(data, dict) and "source" in data):
            return data
        try:
            columns = [
                _convert_column(old, f"{data['source']}[{n}]") for n, old in enumerate(data["columns"], 1)
            ]
        except (AttributeError, KeyError, TypeError) as err:
            raise ValueError(f"The columns of the table are malformed: {short_repr(err)}.") from err
        return {"columns": columns, "meta": data.get("meta", {})}

    @pydantic.model_validator(mode="after")
    def _check_names(self) -> Self:
        names = [column.name for column in self.columns]
        if len(set(names)) < len(names):
            raise ValueError(f"Two columns of a table have the same name: {names}.")
        return self

    @classmethod
    def from_structured_array(
        cls,
        array: np.ndarray,
        *,
        source: str | None,
        units: Mapping[str, u.UnitBase | None] | None = None,
        descriptions: Mapping[str, str] | None = None,
        meta: Mapping[str, Any] | None = None,
    ) -> TableModel:
        """Create a model of a structured array.

        Parameters
        ----------
        array
            One-dimensional structured array.
        source
            Format string with a placeholder for the number of the column
            (from 1), ``fits:NAME[{}]`` for instance; `None` stores the data
            inline.
        units
            Units by name of column.
        descriptions
            Descriptions by name of column.
        meta
            Metadata of the table.

        Raises
        ------
        UnsupportedTableError
            If a column contains strings or objects.
        """
        columns = []
        for number, name in enumerate(array.dtype.names or (), 1):
            try:
                datatype, shape = NumberType.from_numpy_with_shape(array.dtype[name])
            except ValueError as err:
                raise UnsupportedTableError(f"Column {short_repr(name)} cannot be stored: {err}") from err
            data: ArrayModel = (
                InlineArrayModel.from_array(array[name])
                if source is None
                else ArrayReferenceModel(source=source.format(number), shape=shape, datatype=datatype)
            )
            columns.append(
                TableColumnModel(
                    data=data,
                    name=name,
                    description=(descriptions or {}).get(name) or "",
                    unit=(units or {}).get(name),
                )
            )
        return cls(columns=columns, meta=dict(meta or {}))

    def inline_array(self) -> np.ndarray:
        """Return the structured array of a table whose columns are inline.

        Raises
        ------
        ValueError
            If the columns are malformed, or differ in length.
        """
        arrays = {column.name: column.data.to_array() for column in self.columns}  # type: ignore[union-attr]  # inline
        dtype = [(name, array.dtype, array.shape[1:]) for name, array in arrays.items()]
        lengths = {name: len(array) for name, array in arrays.items()}
        if len(set(lengths.values())) > 1:
            raise ValueError(f"the columns differ in length: {lengths}")
        result = np.empty(next(iter(lengths.values()), 0), dtype=dtype)
        for name, array in arrays.items():
            result[name] = array
        return result

    @property
    def is_inline(self) -> bool:
        """Whether the data is stored in the tree."""
        return all(isinstance(column.data, InlineArrayModel) for column in self.columns)


def _convert_column(old: dict[str, Any], source: str) -> dict[str, Any]:
    """Convert a column of the first releases to the current form."""
    if old.get("is_variable_length"):
        raise ValueError(f"Column {short_repr(old.get('name'))} has cells of variable length.")
    new = {key: old[key] for key in ("name", "unit", "description") if old.get(key) is not None}
    return {**new, "data": {"source": source, "shape": old.get("shape", ()), "datatype": old["datatype"]}}
