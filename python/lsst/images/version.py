# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""The version of the installed distribution."""

from __future__ import annotations

__all__ = ("__version__",)

from importlib.metadata import PackageNotFoundError, version

try:
    __version__ = version("lsst-images")
except PackageNotFoundError:
    # The sources are on the path without installation. The first number is that of `setup.py`.
    __version__ = "30+not.installed"
