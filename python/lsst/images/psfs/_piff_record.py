# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Conversion of Piff objects to records of plain values, and back.

Piff writes its objects through a "writer" and reads them through a "reader",
whose methods are called with names, flat dictionaries, and structured arrays.
The writer and reader in this module store these in records, which do not
require Piff.
"""

from __future__ import annotations

__all__ = ("PiffRecord", "PiffTable", "PiffValue", "build_piff", "dissect_piff")

import ast
import contextlib
import copy
import dataclasses
import logging
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from ..errors import ArchiveReadError, MissingOptionalDependencyError, UnserializableTypeError
from ..utils import short_repr
from ._piff_safety import refuse_code

if TYPE_CHECKING:
    import piff

_LOG = logging.getLogger(__name__)

PiffValue: TypeAlias = "int | float | str | bool | None | list[PiffValue]"
"""Type of the values of a structure."""

ROOT = "piff"
"""Name of the PSF itself in a record."""


@dataclasses.dataclass
class PiffTable:
    """A table that Piff writes.

    Parameters
    ----------
    array
        One-dimensional structured array.
    metadata
        Values stored with the table.
    """

    array: np.ndarray
    metadata: dict[str, PiffValue] = dataclasses.field(default_factory=dict)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, PiffTable):
            return NotImplemented
        # Compare columns, because padding and byte order depend on the file.
        names = self.array.dtype.names or ()
        return (
            self.metadata == other.metadata
            and names == other.array.dtype.names
            and all(np.array_equal(self.array[name], other.array[name]) for name in names)
        )

    __hash__ = None  # type: ignore[assignment]  # mutable


@dataclasses.dataclass
class PiffRecord:
    """All values that a Piff object writes, by name.

    Parameters
    ----------
    structs
        Flat dictionaries.
    tables
        Tables.
    wcs
        Pixel scales in arcseconds.
    objects
        Nested objects.
    """

    structs: dict[str, dict[str, PiffValue]] = dataclasses.field(default_factory=dict)
    tables: dict[str, PiffTable] = dataclasses.field(default_factory=dict)
    wcs: dict[str, float] = dataclasses.field(default_factory=dict)
    objects: dict[str, PiffRecord] = dataclasses.field(default_factory=dict)

    __hash__ = None  # type: ignore[assignment]  # mutable


def dissect_piff(psf: piff.PSF) -> PiffRecord:
    """Convert a Piff PSF to a record.

    Parameters
    ----------
    psf
        The PSF; the stars to which it was fitted are not stored.

    Returns
    -------
    record
        Plain values.

    Raises
    ------
    UnserializableTypeError
        If its coordinates are not a single pixel scale, or it depends on a
        bandpass.
    """
    starless = _completed(psf)
    # Piff writes stars if the object has this attribute.
    starless.__dict__.pop("stars", None)
    record = PiffRecord()
    starless._write(_Writer(record), ROOT, _PiffLogger())
    return record


def _completed(psf: piff.PSF) -> piff.PSF:
    """Copy a Piff PSF, adding what an older Piff, by which it was pickled, did not have."""
    result = copy.copy(psf)
    for name, value in NEWER_ATTRIBUTES.items():
        if not hasattr(result, name):
            setattr(result, name, value)
    if result.outliers is not None and not isinstance(result.outliers, list | tuple):
        # Older versions of Piff do not have lists of outlier rejections.
        result.outliers = [result.outliers]
    if hasattr(result, "components"):
        result.components = [_completed(component) for component in result.components]
    return result


NEWER_ATTRIBUTES: dict[str, Any] = {
    "wcs": None,
    "pointing": None,
    "bandpass": None,
    "outliers": None,
    "chisq": 0.0,
    "last_delta_chisq": 0.0,
    "dof": 0,
    "nremoved": 0,
    "niter": 0,
}
"""Attributes of Piff PSFs that some versions do not have, and their values if nothing is known."""


def build_piff(record: PiffRecord) -> piff.PSF:
    """Create a Piff PSF from a record.

    Parameters
    ----------
    record
        Plain values; they are not modified.

    Returns
    -------
    psf
        A new PSF without stars.

    Raises
    ------
    ArchiveReadError
        If Piff cannot create a PSF from these values, or the values contain
        code that Piff would run.
    MissingOptionalDependencyError
        If Piff is not installed.
    """
    refuse_code(_values(record))
    try:
        import piff
    except ImportError as err:
        raise MissingOptionalDependencyError(
            "Evaluating a Piff PSF requires the package 'piff' (and GalSim); install it."
        ) from err
    try:
        return piff.PSF._read(_Reader(record), ROOT, _PiffLogger())
    except MissingOptionalDependencyError:
        raise
    except Exception as err:
        raise ArchiveReadError(
            f"Piff {piff.__version__} cannot create a PSF from the stored values: {type(err).__name__}: {err}"
        ) from err


def _values(record: PiffRecord) -> Iterator[Any]:
    """Iterate over all values that Piff will read."""
    for struct in record.structs.values():
        yield from struct.values()
    for table in record.tables.values():
        yield from table.metadata.values()
        for name in table.array.dtype.names or ():
            if table.array[name].dtype.kind in "SUO":
                yield from table.array[name].ravel().tolist()
    for nested in record.objects.values():
        yield from _values(nested)


class _PiffLogger(logging.LoggerAdapter):  # type: ignore[type-arg]  # generic at type-checking time only
    """A logger with the extra level that Piff uses."""

    def __init__(self) -> None:
        super().__init__(_LOG, {})

    def verbose(self, message: str, *args: Any) -> None:
        self.debug(message, *args)


class _Named:
    """Base class of writers and readers, which refer to a record and a name."""

    def __init__(self, record: PiffRecord, prefix: str = "") -> None:
        self._record = record
        self._prefix = prefix

    def get_full_name(self, name: str) -> str:
        return f"{self._prefix}/{name}" if self._prefix else name


class _Writer(_Named):
    """Writer that stores the values in a record."""

    def write_struct(self, name: str, struct: dict[str, Any]) -> None:
        self._record.structs[name] = {key: _to_plain(value) for key, value in struct.items()}

    def write_table(self, name: str, array: np.ndarray, metadata: dict[str, Any] | None = None) -> None:
        plain = {key: _to_plain(value) for key, value in (metadata or {}).items()}
        self._record.tables[name] = PiffTable(np.array(array), plain)

    def write_wcs_map(self, name: str, wcs_map: dict[int, Any], pointing: Any) -> None:
        import galsim

        wcs = next(iter(wcs_map.values()), None)
        if len(wcs_map) != 1 or not isinstance(wcs, galsim.PixelScale) or pointing is not None:
            raise UnserializableTypeError(
                "Only Piff PSFs of one chip with a galsim.PixelScale and without pointing can be stored; "
                f"got {short_repr(wcs_map)} and pointing {short_repr(pointing)}."
            )
        self._record.wcs[name] = float(wcs.scale)

    def write_bandpass(self, name: str, bandpass: Any) -> None:
        if bandpass is not None:
            raise UnserializableTypeError(
                f"Piff PSFs with a bandpass cannot be stored; got bandpass {short_repr(bandpass)}."
            )

    @contextlib.contextmanager
    def nested(self, name: str) -> Iterator[_Writer]:
        yield _Writer(self._record.objects.setdefault(name, PiffRecord()), self.get_full_name(name))


class _Reader(_Named):
    """Reader of the values in a record.  It returns copies, because Piff modifies them."""

    def read_struct(self, name: str) -> dict[str, Any] | None:
        struct = self._record.structs.get(name)
        return None if struct is None else {key: _from_plain(value) for key, value in struct.items()}

    def read_table(self, name: str, metadata: dict[str, Any] | None = None) -> np.ndarray | None:
        table = self._record.tables.get(name)
        if table is None:
            return None
        if metadata is not None:
            metadata.update(table.metadata)
        return np.array(table.array)

    def read_wcs_map(self, name: str, logger: Any) -> tuple[dict[int, Any] | None, Any]:
        import galsim

        scale = self._record.wcs.get(name)
        return (None if scale is None else {0: galsim.PixelScale(scale)}), None

    def read_bandpass(self, name: str) -> None:
        return None

    @contextlib.contextmanager
    def nested(self, name: str) -> Iterator[_Reader]:
        yield _Reader(self._record.objects.get(name, PiffRecord()), self.get_full_name(name))


def _to_plain(value: Any) -> PiffValue:
    """Convert numpy values, tuples and dictionaries to plain values."""
    if isinstance(value, np.ndarray):
        return _to_plain(value.tolist())
    if isinstance(value, np.generic):
        return _to_plain(value.item())
    if isinstance(value, bytes):
        return value.decode()
    if isinstance(value, list | tuple):
        return [_to_plain(item) for item in value]
    if isinstance(value, dict):
        # Piff stores dictionaries in this form in its own files.
        return repr(value)
    if value is None or isinstance(value, bool | int | float | str):
        return value
    raise UnserializableTypeError(
        f"A Piff PSF with the value {short_repr(value)} cannot be stored; expected numbers, strings, lists "
        "or "
        "dictionaries."
    )


def _from_plain(value: PiffValue) -> Any:
    if isinstance(value, list):
        return [_from_plain(item) for item in value]
    if isinstance(value, str) and value.startswith("{"):
        with contextlib.suppress(ValueError, SyntaxError):
            return ast.literal_eval(value)
    return value
