# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Piff objects taken apart into plain values, and put together again.

Piff writes its objects through a "writer" and reads them through a "reader",
whose methods are called with names, flat dictionaries, and structured arrays.
Here both keep what passes in records, which need no Piff.
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
from ._piff_safety import refuse_code

if TYPE_CHECKING:
    import piff

_LOG = logging.getLogger(__name__)

PiffValue: TypeAlias = "int | float | str | bool | None | list[PiffValue]"
"""What a structure may hold under a name."""

ROOT = "piff"
"""Name under which the PSF itself is recorded."""


@dataclasses.dataclass
class PiffTable:
    """A table that Piff writes.

    Parameters
    ----------
    array
        One-dimensional structured array.
    metadata
        Values that go with it.
    """

    array: np.ndarray
    metadata: dict[str, PiffValue] = dataclasses.field(default_factory=dict)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, PiffTable):
            return NotImplemented
        # By column, because padding and byte order depend on the file.
        names = self.array.dtype.names or ()
        return (
            self.metadata == other.metadata
            and names == other.array.dtype.names
            and all(np.array_equal(self.array[name], other.array[name]) for name in names)
        )

    __hash__ = None  # type: ignore[assignment]  # mutable


@dataclasses.dataclass
class PiffRecord:
    """Everything that a Piff object writes, by name.

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
    """Take a Piff PSF apart.

    Parameters
    ----------
    psf
        The PSF; the stars it was fitted to are left out.

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
    starless = copy.copy(psf)
    # Piff asks with hasattr() whether there are stars to write.
    starless.__dict__.pop("stars", None)
    record = PiffRecord()
    starless._write(_Writer(record), ROOT, _PiffLogger())
    return record


def build_piff(record: PiffRecord) -> piff.PSF:
    """Put a Piff PSF together.

    Parameters
    ----------
    record
        Plain values; they are not changed.

    Returns
    -------
    psf
        A new PSF without stars.

    Raises
    ------
    ArchiveReadError
        If Piff cannot make a PSF of these values, or would run code that is
        among them.
    MissingOptionalDependencyError
        If Piff is not installed.
    """
    refuse_code(_values(record))
    try:
        import piff
    except ImportError as err:
        raise MissingOptionalDependencyError(
            "Evaluating a Piff PSF needs the package 'piff' (and GalSim); install it."
        ) from err
    try:
        return piff.PSF._read(_Reader(record), ROOT, _PiffLogger())
    except MissingOptionalDependencyError:
        raise
    except Exception as err:
        raise ArchiveReadError(
            f"Piff {piff.__version__} cannot make a PSF of what is stored: {type(err).__name__}: {err}"
        ) from err


def _values(record: PiffRecord) -> Iterator[Any]:
    """Iterate over everything that Piff will read."""
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
    """What writers and readers have in common: a place in the record."""

    def __init__(self, record: PiffRecord, prefix: str = "") -> None:
        self._record = record
        self._prefix = prefix

    def get_full_name(self, name: str) -> str:
        return f"{self._prefix}/{name}" if self._prefix else name


class _Writer(_Named):
    """What Piff writes to."""

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
                f"this one has {wcs_map!r} and pointing {pointing!r}."
            )
        self._record.wcs[name] = float(wcs.scale)

    def write_bandpass(self, name: str, bandpass: Any) -> None:
        if bandpass is not None:
            raise UnserializableTypeError(
                f"Piff PSFs with a bandpass cannot be stored; this one has {bandpass!r}."
            )

    @contextlib.contextmanager
    def nested(self, name: str) -> Iterator[_Writer]:
        yield _Writer(self._record.objects.setdefault(name, PiffRecord()), self.get_full_name(name))


class _Reader(_Named):
    """What Piff reads from.  It gives copies, since Piff empties them."""

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
    """Turn numpy values, tuples and dictionaries into plain ones."""
    if isinstance(value, np.ndarray):
        return _to_plain(value.tolist())
    if isinstance(value, np.generic):
        return _to_plain(value.item())
    if isinstance(value, bytes):
        return value.decode()
    if isinstance(value, list | tuple):
        return [_to_plain(item) for item in value]
    if isinstance(value, dict):
        # The form in which Piff's own files hold dictionaries.
        return repr(value)
    if value is None or isinstance(value, bool | int | float | str):
        return value
    raise UnserializableTypeError(f"A Piff PSF with an option {value!r} cannot be stored.")


def _from_plain(value: PiffValue) -> Any:
    if isinstance(value, list):
        return [_from_plain(item) for item in value]
    if isinstance(value, str) and value.startswith("{"):
        with contextlib.suppress(ValueError, SyntaxError):
            return ast.literal_eval(value)
    return value
