# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""The version of the package, and of the distribution built from it."""

from __future__ import annotations

__all__ = ("__version__",)

__version__ = "0.1.0.dev0"
