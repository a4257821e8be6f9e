# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Files and objects of `lsst.afw`, the package that came before.

Files are read without it; live objects are converted where it is installed.
"""

from __future__ import annotations

__all__ = ("LegacyReader", "open_legacy")

from ._reader import LegacyReader, open_legacy
