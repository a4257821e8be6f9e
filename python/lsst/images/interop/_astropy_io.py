# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Register the files of this package with the unified I/O of astropy."""

from __future__ import annotations

__all__ = ("FORMAT", "register_astropy_io")

from typing import Any

from astropy.io import registry as astropy_registry
from astropy.nddata import CCDData, NDDataRef

from .._pixels import Image, MaskedImage
from ..errors import ArchiveError
from ..io import open_archive, read, write
from ._from_nddata import from_ccddata
from ._nddata import to_ccddata, to_nddata

FORMAT = "lsst.images"
"""Name of the format: ``CCDData.read(path, format="lsst.images")``."""

_CONVERSIONS = {CCDData: to_ccddata, NDDataRef: to_nddata}

PRIORITY = 1
"""Higher than that of the FITS reader of astropy, which reads the primary HDU, without pixels."""


def register_astropy_io() -> None:
    """Register readers and writers of `~astropy.nddata.CCDData` and
    `~astropy.nddata.NDDataRef`.

    Importing `lsst.images.interop` calls this function; later calls have no
    effect.

    Notes
    -----
    Readers accept the options of `to_ccddata` (``mask_planes``, ``psf``) and
    read parameters, ``bbox`` for instance.  Files of all containers are
    recognized by content, so ``format=`` is needed for writing only.
    """
    for cls in _CONVERSIONS:
        astropy_registry.register_reader(FORMAT, cls, _make_reader(cls), force=True, priority=PRIORITY)
        astropy_registry.register_writer(FORMAT, cls, _write, force=True)
        astropy_registry.register_identifier(FORMAT, cls, _identify, force=True)


def _make_reader(cls: type) -> Any:
    convert: Any = _CONVERSIONS[cls]

    def read_as(
        path: Any,
        *,
        mask_planes: Any = None,
        psf: bool = False,
        container: str | None = None,
        **parameters: Any,
    ) -> Any:
        obj = read(path, format=container, **parameters)
        return convert(obj, mask_planes=mask_planes, psf=psf)

    read_as.__doc__ = f"""Read a {cls.__name__} from a file of lsst.images.

    Parameters
    ----------
    path
        URI, path, or seekable binary stream.
    mask_planes, psf
        As for `lsst.images.interop.{convert.__name__}`.
    container
        Name of the container; determined from the file by default.
    **parameters
        Read parameters, ``bbox`` for instance.
    """
    return read_as


def _write(data: Any, path: Any, *, container: str | None = None, **options: Any) -> None:
    """Write to a new file, as the type that the data was made from.

    Parameters
    ----------
    data
        The data.
    path
        Location of the file.
    container
        Name of the container; by default, determined from the file name extension.
    **options
        As for `lsst.images.io.write`.
    """
    write(from_ccddata(data), path, format=container, **options)


def _identify(origin: str, path: Any, fileobj: Any, *args: Any, **kwargs: Any) -> bool:
    """Return whether a file contains an image; writing always requires ``format=``."""
    target = path if fileobj is None else fileobj
    if origin != "read" or target is None:
        return False
    position = None if fileobj is None else fileobj.tell()
    try:
        with open_archive(target) as reader:
            return _is_image(reader)
    except (ArchiveError, OSError):
        return False
    finally:
        if fileobj is not None:
            fileobj.seek(position)


def _is_image(reader: Any) -> bool:
    for cls in (Image, MaskedImage):
        try:
            reader.require_type(cls)
        except ArchiveError:
            continue
        return True
    return False
