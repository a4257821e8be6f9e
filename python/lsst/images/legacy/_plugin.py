# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Hook implementations for files and objects of `lsst.afw`.

The modules that implement the conversions are imported at their first use,
because every process that reads or writes a file loads this module.
"""

from __future__ import annotations

__all__ = ("convert_from_legacy", "convert_to_legacy", "read_legacy")

from collections.abc import Mapping
from typing import Any

from ..plugins import Found, hookimpl


@hookimpl
def convert_from_legacy(legacy: object, pytype: type, options: Mapping[str, Any]) -> object | None:
    """Convert an HDU list, or an in-memory object of `lsst.afw`."""
    if "fits_wcs_frame" in options:
        from ._cut_down import from_hdu_list

        return from_hdu_list(legacy, pytype, options["fits_wcs_frame"])  # type: ignore[no-any-return]  # of pytype
    from ._live import from_legacy

    return from_legacy(legacy, pytype, options)


@hookimpl
def convert_to_legacy(obj: object, options: Mapping[str, Any]) -> object | None:
    """Convert an object of this package to its `lsst.afw` counterpart."""
    from ._live import to_legacy

    return to_legacy(obj, options)


@hookimpl
def read_legacy(uri: Any, pytype: type, component: str | None, options: Mapping[str, Any]) -> Found | None:
    """Read a file that `lsst.afw` wrote."""
    from ._open import is_readable, read_file

    return Found(read_file(uri, pytype, component, options)) if is_readable(pytype) else None
