# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""The example types of the container tests: a type with arrays, tables and parts, and its plugins."""

from __future__ import annotations

from lsst.images.tests._bundle import (  # private: example types of ContainerConformance
    Bundle,
    BundleModel,
    Guest,
    bundle_types,
)

__all__ = ("Bundle", "BundleModel", "Guest", "bundle_types")
