# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Legacy files, as the plugin layer sees them."""

from __future__ import annotations

__all__ = ("read_legacy",)

import contextlib
from collections.abc import Mapping
from typing import Any

from .._pixels import Image, Mask, MaskedImage
from ..errors import InvalidParameterError
from ..plugins import Found, hookimpl
from ._file import PLANES, LegacyFile
from ._reader import LegacyReader

_NAMES = {"fits_wcs_frame": "frame"}
"""Options of ``read_legacy`` that the reader calls otherwise."""


@hookimpl
def read_legacy(uri: Any, pytype: type, component: str | None, options: Mapping[str, Any]) -> Found | None:
    """Read a file that `lsst.afw` wrote as an image, mask or masked image."""
    if not issubclass(pytype, Image | Mask | MaskedImage):
        return None
    options = dict(options)
    ext = options.pop("ext", None)
    options = {_NAMES.get(key, key): value for key, value in options.items()}
    with contextlib.closing(LegacyFile.open(uri)) as file:
        if ext is not None:
            _choose_plane(file, "MASK" if issubclass(pytype, Mask) else "IMAGE", ext)
        reader = LegacyReader(file, pytype, **options)
        return Found(reader.read() if component is None else reader.get_component(component))


def _choose_plane(file: LegacyFile, plane: str, ext: str | int) -> None:
    """Make an HDU that the caller names the plane that is read."""
    hdu = file.fits.find(ext) if isinstance(ext, str) else _numbered(file, ext)
    if hdu.kind not in ("image", "compressed_image"):
        raise InvalidParameterError(
            f"ext={ext!r} of {file.name} is a {hdu.kind}, not an image; planes are {list(file.planes)}."
        )
    file.planes = {**{name: h for name, h in file.planes.items() if name in PLANES}, plane: hdu}


def _numbered(file: LegacyFile, ext: int) -> Any:
    """Return an HDU by number, 0 standing in where an image file has no 1."""
    if ext == 1 and file.fits.hdu(0).shape:
        # Single images of old versions are in the primary HDU.
        return file.fits.hdu(0)
    return file.fits.hdu(ext)
