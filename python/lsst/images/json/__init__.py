# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""The JSON container, for small objects and for use with other tools."""

from __future__ import annotations

__all__ = ("JsonInputArchive", "JsonOutputArchive")

from typing import TYPE_CHECKING

from .._aliases import moved_names

if TYPE_CHECKING:
    from ._input_archive import JsonInputArchive
    from ._output_archive import JsonOutputArchive

__getattr__ = moved_names(__name__)
