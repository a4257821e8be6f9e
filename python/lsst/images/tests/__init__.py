# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Helpers for the tests of this package and of its plugins.

Nothing here is imported by the package itself.  pytest and hypothesis are
imported only with the names that need them.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ._conformance import ContainerConformance
    from ._projections import assert_projections_equal, make_random_projection
    from ._projections import assert_projections_equal as assert_sky_projections_equal
    from ._projections import make_random_projection as make_random_sky_projection

__all__ = (
    "ContainerConformance",
    "assert_projections_equal",
    "assert_sky_projections_equal",
    "make_random_projection",
    "make_random_sky_projection",
)

_HOMES = {
    "ContainerConformance": "_conformance:ContainerConformance",
    "assert_projections_equal": "_projections:assert_projections_equal",
    "assert_sky_projections_equal": "_projections:assert_projections_equal",
    "make_random_projection": "_projections:make_random_projection",
    "make_random_sky_projection": "_projections:make_random_projection",
}


def __getattr__(name: str) -> Any:
    if (place := _HOMES.get(name)) is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module, _, actual = place.partition(":")
    return getattr(importlib.import_module(f"{__name__}.{module}"), actual)
