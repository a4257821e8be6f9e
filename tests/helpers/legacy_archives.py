# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Small files with table archives in the layout of `lsst.afw`."""

from __future__ import annotations

import io
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import starlink.Ast
from astropy.io import fits
from lsst.images.fits import FitsFile
from lsst.images.legacy.afw_archive import LegacyArchive

RENAMED = {
    "SAT": "SATURATED",
    "INTRP": "INTERPOLATED",
    "CR": "COSMIC_RAY",
    "EDGE": "DETECTION_EDGE",
    "UNMASKEDNAN": "UNMASKED_NAN",
}
"""Names of mask planes of this package, by a different name in `lsst.afw`."""

Object = tuple[int, str, Sequence[fits.BinTableHDU]]


def data_files(shared: Path) -> list[Path]:
    """List all real files of `lsst.afw`."""
    return sorted(
        path
        for folder in ("legacy", "afw", "examples/legacy")
        for path in (shared / folder).rglob("*.fits*")
        if path.name.endswith((".fits", ".fits.gz", ".fits.fz"))
    )


def table(columns: Mapping[str, tuple[str, Sequence[Any]]], **flags: Sequence[bool]) -> fits.BinTableHDU:
    """Create a table from the format and values of each column, and values of flags."""
    made = []
    if flags:
        bits = np.array(list(flags.values()), dtype=bool).T
        made.append(fits.Column("flags", f"{len(flags)}X", array=bits))
    for name, (form, values) in columns.items():
        if form.startswith("1Q"):
            array = np.empty(len(values), dtype=object)
            for i, value in enumerate(values):
                array[i] = np.frombuffer(value, dtype=np.uint8) if isinstance(value, bytes) else value
            values = array
        made.append(fits.Column(name, form, array=values))
    hdu = fits.BinTableHDU.from_columns(made)
    if flags:
        hdu.header["FLAGCOL"] = 1
        for k, name in enumerate(flags, start=1):
            hdu.header[f"TFLAG{k}"] = name
    return hdu


def write_archive(
    objects: Iterable[Object], *, old: bool = False, cards: Mapping[str, Any] | None = None
) -> bytes:
    """Write an archive that follows the primary HDU."""
    rows: list[tuple[Any, ...]] = []
    data: list[fits.BinTableHDU] = []
    for number, name, tables in objects:
        if not tables:
            rows.append((number, -1, 0, 0, 0, name, "module"))
        for n, hdu in enumerate(tables):
            data.append(hdu)
            hdu.header["EXTTYPE"] = "ARCHIVE_DATA"
            hdu.header["AR_CATN"] = len(data)
            # The order of the rows of an object is arbitrary.
            rows.insert(0, (number, len(data), n, 0, len(hdu.data), name, "module"))
    dot = "_" if old else "."
    names = ("id", f"cat{dot}archive", f"cat{dot}persistable", "row0", "nrows", "name", "module")
    columns = {
        name: ("64A" if name in ("name", "module") else "J", list(values))
        for name, values in zip(names, zip(*rows, strict=True) if rows else [[]] * 7, strict=True)
    }
    index = table(columns)
    index.header["EXTTYPE"] = index.header["EXTNAME"] = "ARCHIVE_INDEX"
    index.header["AR_CATN"] = 0
    primary = fits.PrimaryHDU()
    primary.header.update(cards or {})
    stream = io.BytesIO()
    fits.HDUList([primary, index, *data]).writeto(stream)
    return stream.getvalue()


def archive_of(*objects: Any, **options: Any) -> LegacyArchive:
    """Write an archive and open it."""
    found = LegacyArchive.find(FitsFile.open(write_archive(objects, **options)))
    assert found is not None
    return found


def box(x0: int, y0: int, x1: int, y1: int, rows: int = 1) -> dict[str, Any]:
    """Create the columns of a box from its inclusive corners."""
    values = {"min_x": x0, "min_y": y0, "max_x": x1, "max_y": y1}
    return {f"bbox_{name}": ("J", [value] * rows) for name, value in values.items()}


def chebyshev(number: int, coefficients: list[float], bbox: Any = None) -> Any:
    """Create a Chebyshev field, which is constant if there is one coefficient."""
    columns = {"order_x": ("J", [0]), **(bbox or box(0, 0, 9, 9))}
    columns["coefficients"] = (f"{len(coefficients)}D", [coefficients])
    return number, "ChebyshevBoundedField", [table(columns)]


def ast_text(mapping: Any) -> str:
    """Return the native text of a mapping."""
    return str(mapping)


def wcs(number: int, dx: float = 0.0) -> Any:
    """Create a WCS with pixels of 1e-4 rad around (1, 0.5) in a cylindrical projection."""
    scale = 1e-4
    mapping = starlink.Ast.WinMap(
        [0.0, 0.0], [1.0, 1.0], [1.0 - dx * scale, 0.5], [1.0 + scale - dx * scale, 0.5 + scale]
    )
    blob = f"1 SkyWcs 0 {ast_text(mapping)}".encode()
    return number, "SkyWcs", [table({"wcs": ("1QB()", [blob])})]


def sky_wcs(number: int) -> Any:
    """Create a WCS with pixels of 1e-4 rad around (1, 0.5), with a sky frame."""
    shift = starlink.Ast.WinMap([0.0, 0.0], [1.0, 1.0], [1.0, 0.5], [1.0001, 0.5001])
    frames = starlink.Ast.FrameSet(starlink.Ast.Frame(2, "Domain=PIXELS"))
    frames.addframe(starlink.Ast.BASE, shift, starlink.Ast.SkyFrame("System=ICRS"))
    return number, "SkyWcs", [table({"wcs": ("1QB()", [f"1 SkyWcs 0 {ast_text(frames)}".encode()])})]
