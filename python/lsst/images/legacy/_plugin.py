# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Legacy files and objects, as the plugin layer sees them.

What does the work is loaded when there is some, since every process that reads
a file of ours loads this module.
"""

from __future__ import annotations

__all__ = ("convert_from_legacy", "convert_to_legacy", "read_legacy")

from collections.abc import Mapping
from typing import Any

from ..plugins import Found, hookimpl, registry

_HERE = __package__


@hookimpl
def convert_from_legacy(legacy: Any, pytype: type, options: Mapping[str, Any]) -> Any | None:
    """Convert an HDU list, or a live object of `lsst.afw`."""
    if "fits_wcs_frame" in options:
        from_hdu_list = registry.load(f"{_HERE}._cut_down:from_hdu_list")
        return from_hdu_list(legacy, pytype, options["fits_wcs_frame"])
    return registry.load(f"{_HERE}._live:from_legacy")(legacy, pytype, options)


@hookimpl
def convert_to_legacy(obj: Any, options: Mapping[str, Any]) -> Any | None:
    """Convert one of our objects into its `lsst.afw` counterpart."""
    return registry.load(f"{_HERE}._live:to_legacy")(obj, options)


@hookimpl
def read_legacy(uri: Any, pytype: type, component: str | None, options: Mapping[str, Any]) -> Found | None:
    """Read a file that `lsst.afw` wrote."""
    if not registry.load(f"{_HERE}._open:is_readable")(pytype):
        return None
    return Found(registry.load(f"{_HERE}._open:read_file")(uri, pytype, component, options))
