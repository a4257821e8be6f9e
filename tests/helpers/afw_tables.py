# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Raw tables of files that lsst.afw wrote, read with astropy.

An independent, minimal reader, so that tests of types do not depend on the
decoders of this package.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import astropy.io.fits
import numpy as np


def read_tables(path: Path) -> dict[int, list[list[dict[str, Any]]]]:
    """Return the rows of the tables of each object in the archive of a file."""
    objects: dict[int, list[list[dict[str, Any]]]] = {}
    with astropy.io.fits.open(path) as hdus:
        (index,) = (n for n, hdu in enumerate(hdus) if hdu.header.get("EXTTYPE") == "ARCHIVE_INDEX")
        for entry in sorted(hdus[index].data, key=lambda row: (row["id"], row["cat.persistable"])):
            if entry["cat.archive"] < 0:
                continue
            data = hdus[index + entry["cat.archive"]].data
            numbers = range(entry["row0"], entry["row0"] + entry["nrows"])
            rows = [{name: plain(data[name][n]) for name in data.names} for n in numbers]
            objects.setdefault(int(entry["id"]), []).append(rows)
    return objects


def plain(value: Any) -> Any:
    """Return a native number, array or string."""
    if isinstance(value, str):
        return value.strip()
    array = np.array(value)
    native = array.astype(array.dtype.newbyteorder("="))
    return native if native.ndim else native.item()


def read_psf_id(path: Path) -> int:
    """Return the identifier of the PSF in the archive of a file."""
    return int(astropy.io.fits.getheader(path)["PSF_ID"])


def read_psf_truth(path: Path) -> list[dict[str, Any]]:
    """Return positions with the kernel and star images that afw computes."""
    samples = json.loads(path.with_suffix(".json").read_text())["psf"]["samples"]
    with np.load(path.with_suffix(".npz")) as images:
        for n, sample in enumerate(samples):
            if f"psf_kernel_{n}" in images:
                sample["kernel"], sample["image"] = images[f"psf_kernel_{n}"], images[f"psf_image_{n}"]
    return [sample for sample in samples if "kernel" in sample]


def read_ast(blob: Any) -> Any:
    """Return the AST object in a column of bytes."""
    import starlink.Ast

    lines = bytes(bytearray(blob)).decode().split("Begin", 1)[1].split("\n")
    lines[0] = "Begin" + lines[0]

    class Source:
        def astsource(self) -> str | None:
            return lines.pop(0) if lines else None

    return starlink.Ast.Channel(Source()).read()
