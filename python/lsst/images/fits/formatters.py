# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Names of Butler formatters that are recorded in repositories of the first release.

A Butler repository records the formatter of each dataset by its full name.
"""

from __future__ import annotations

__all__ = ()

from .._aliases import moved_names

__getattr__ = moved_names(__name__)
