# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Files and objects of `lsst.afw`, the package that came before.

Files are read without it; live objects are converted where it is installed.
"""

from __future__ import annotations

__all__ = (
    "LegacyReader",
    "VisitSummary",
    "VisitSummaryRow",
    "open_legacy",
    "read_visit_summary",
)

from typing import TYPE_CHECKING, Any

from ..plugins import registry

if TYPE_CHECKING:
    from ._open import open_legacy
    from ._reader import LegacyReader
    from ._visit_summary import VisitSummary, VisitSummaryRow, read_visit_summary

_HOMES = {
    "LegacyReader": "_reader",
    "VisitSummary": "_visit_summary",
    "VisitSummaryRow": "_visit_summary",
    "open_legacy": "_open",
    "read_visit_summary": "_visit_summary",
}
"""Modules of our names; every read of any file imports this package, but few
read legacy files."""


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return registry.load(f"{__name__}.{_HOMES[name]}:{name}")
