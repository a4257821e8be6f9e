# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Passthrough metadata from the headers of an `lsst.afw` file."""

from __future__ import annotations

__all__ = ("legacy_passthrough",)

import warnings
from typing import Any

from ..errors import LossyConversionWarning
from ..fits import ExtensionKey, FitsOpaqueMetadata, RawHeader
from ..serialization import attachments_of
from ..utils import UNEXPECTED
from ._file import LegacyFile


def legacy_passthrough(file: LegacyFile, obj: Any) -> FitsOpaqueMetadata:
    """Collect the cards that are not part of the data model.

    Parameters
    ----------
    file
        The open file.
    obj
        The object that was read.  Metadata from the primary header is added
        to it, and the compressed tables of its planes are included in the
        result.

    Returns
    -------
    passthrough
        Metadata to attach to the object.
    """
    passthrough = FitsOpaqueMetadata()
    if not any(hdu is file.primary for hdu in file.planes.values()):
        _add_primary(passthrough, file, obj)
    for name, hdu in file.planes.items():
        passthrough.add_raw(ExtensionKey(name), RawHeader(hdu.cards.raw, has_unit=True))
    for plane in (obj, getattr(obj, "image", None), getattr(obj, "variance", None)):
        own = attachments_of(plane).passthrough
        if isinstance(own, FitsOpaqueMetadata):
            passthrough.precompressed.update(own.precompressed)
    return passthrough


def _add_primary(passthrough: FitsOpaqueMetadata, file: LegacyFile, obj: Any) -> None:
    try:
        obj.metadata.native.update(passthrough.extract_legacy_primary_header(file.primary.header))
    except UNEXPECTED as err:
        # The pixels can be used although astropy cannot parse the cards.
        warnings.warn(
            f"{file.name}: the cards of the primary header are dropped: {type(err).__name__}: {err}",
            LossyConversionWarning,
            stacklevel=4,
        )
