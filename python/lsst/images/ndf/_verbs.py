# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Read NDFs that other software wrote."""

from __future__ import annotations

__all__ = ("read_starlink",)

from typing import Any, TypeVar

from lsst.resources import ResourcePathExpression

from .._aliases import accepts_aliases
from ..errors import ArchiveReadError
from ..plugins import registry
from ..serialization import attach
from ._input_archive import NdfInputArchive

T = TypeVar("T")


@accepts_aliases(cls="cls_")
def read_starlink(cls: type[T], path: ResourcePathExpression) -> T:
    """Read an NDF that Starlink or other software wrote.

    Parameters
    ----------
    cls
        `~lsst.images.Image` or `~lsst.images.MaskedImage`.  QUALITY becomes a
        mask with the planes ``MASK0`` to ``MASK7``.  Pixels with the bad value
        of their type are set in a plane ``BAD``, which exists if any pixel is
        bad or the NDF has no QUALITY; bad floating-point pixels are NaN.  Without
        VARIANCE all variances are 1.
    path
        URI, path, or seekable binary stream.

    Returns
    -------
    obj
        The image; its origin is that of the NDF, by default (0, 0).

    Raises
    ------
    ArchiveReadError
        If the file was written by this package, so that `lsst.images.io.read`
        reads it; if it is not a two-dimensional NDF; or if ``cls`` is another
        type.
    """
    model: Any = registry.model_for_type(cls)
    with NdfInputArchive.open(path, schema=model.SCHEMA_NAME) as archive:
        if not archive.is_foreign:
            raise ArchiveReadError(f"{path} has a tree of lsst.images; read it with lsst.images.io.read().")
        result: Any = model.model_validate(archive.get_raw_tree()).deserialize(archive)
        attach(result, passthrough=archive.get_passthrough())
        return result  # type: ignore[no-any-return]  # what the model of this class makes
