# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Opening a file of `lsst.afw` for reading it as a given type."""

from __future__ import annotations

__all__ = ("is_readable", "make_reader", "open_legacy", "read_file")

import contextlib
from collections.abc import Iterator, Mapping
from typing import Any, TypeAlias

from lsst.resources import ResourcePathExpression

from .._exposures import VisitImage
from .._pixels import Image, Mask, MaskedImage
from ..cells import CellCoadd
from ..errors import InvalidParameterError, LegacyConversionError
from ..utils import short_repr
from ._cell_coadd_reader import LegacyCellCoaddReader
from ._file import PLANES, LegacyFile
from ._guess_type import CONVERTIBLE, check_is_legacy, guess_type
from ._object_reader import LegacyObjectReader, find_legacy_object
from ._reader import LegacyReader
from ._visit_reader import LegacyVisitReader

AnyLegacyReader: TypeAlias = LegacyReader | LegacyObjectReader
"""Reader of any legacy file."""


def is_readable(pytype: type) -> bool:
    """Return whether legacy files can be read as a type.

    Parameters
    ----------
    pytype
        The type.
    """
    return (
        pytype is object
        or issubclass(pytype, Image | Mask | MaskedImage)
        or find_legacy_object(pytype) is not None
    )


def make_reader(file: LegacyFile, pytype: type, **options: Any) -> AnyLegacyReader:
    """Create the reader of a type.

    Parameters
    ----------
    file
        The open file.
    pytype
        Type of the whole object.
    **options
        Keyword arguments of the reader.

    Returns
    -------
    reader
        The reader.

    Raises
    ------
    LegacyConversionError
        If legacy files cannot be read as that type.
    """
    if not is_readable(pytype):
        raise LegacyConversionError(f"Legacy files cannot be read as {pytype.__name__}.")
    if issubclass(pytype, CellCoadd):
        return LegacyCellCoaddReader(file, pytype, **options)
    if issubclass(pytype, VisitImage):
        return LegacyVisitReader(file, pytype, **options)
    if issubclass(pytype, Image | Mask | MaskedImage):
        return LegacyReader(file, pytype, **options)
    return LegacyObjectReader(file, pytype, **options)


@contextlib.contextmanager
def open_legacy(
    path: ResourcePathExpression, pytype: type = MaskedImage, *, partial: bool = True, **options: Any
) -> Iterator[AnyLegacyReader]:
    """Open a file of `lsst.afw` once, for any number of reads.

    Parameters
    ----------
    path
        URI, path, or seekable binary stream.
    pytype
        Type of the whole object.
    partial
        Whether only parts will be read.
    **options
        Keyword arguments of `LegacyReader`.

    Yields
    ------
    reader
        The open file.

    Raises
    ------
    NotAnArchiveError
        If it is not a FITS file.
    LegacyConversionError
        If legacy files cannot be read as that type.
    """
    file = LegacyFile.open(path)
    try:
        yield make_reader(file, pytype, **{"keep_unset": True, "prefer_archive": True, **options})
    finally:
        file.close()


_NAMES = {"fits_wcs_frame": "frame"}
"""Options of ``read_legacy`` that have other names in readers."""


def read_file(uri: Any, pytype: type, component: str | None, options: Mapping[str, Any]) -> Any:
    """Read a file, whole or in part.

    Parameters
    ----------
    uri
        URI, path, or seekable binary stream.
    pytype
        The requested type; `object` for that of the content.
    component
        Name of the requested component, or `None` for the whole object.
    options
        Keyword arguments of ``read_legacy``.

    Raises
    ------
    ArchiveReadError
        If the file is damaged, or of another format.
    """
    options = {_NAMES.get(key, key): value for key, value in options.items()}
    ext, bbox = options.pop("ext", None), options.pop("bbox", None)
    with contextlib.closing(LegacyFile.open(uri)) as file:
        if pytype is object:
            pytype = CONVERTIBLE[guess_type(check_is_legacy(file))]
            options = {"keep_unset": True, "prefer_archive": True, **options}
        if ext is not None:
            _choose_plane(file, "MASK" if issubclass(pytype, Mask) else "IMAGE", ext)
        reader = make_reader(file, pytype, **options)
        if component is not None:
            return reader.get_component(component)
        return reader.read() if bbox is None else reader.read(bbox=bbox)


def _choose_plane(file: LegacyFile, plane: str, ext: str | int) -> None:
    """Use the HDU that the caller names as the plane."""
    hdu = file.fits.find(ext) if isinstance(ext, str) else _numbered(file, ext)
    if hdu.kind not in ("image", "compressed_image"):
        raise InvalidParameterError(
            f"ext={short_repr(ext)} of {file.name} is a {hdu.kind}, not an image; available planes are "
            f"{list(file.planes)}."
        )
    # The origin of an HDU that the caller names does not depend on the other planes.
    if len(hdu.shape) >= 2:
        file.bbox(hdu)
    file.planes = {**{name: h for name, h in file.planes.items() if name in PLANES}, plane: hdu}


def _numbered(file: LegacyFile, ext: int) -> Any:
    """Return an HDU by number; 0 in place of 1 if the file has a single HDU."""
    if ext == 1 and file.fits.hdu(0).shape:
        # Old versions wrote a single image to the primary HDU.
        return file.fits.hdu(0)
    return file.fits.hdu(ext)
