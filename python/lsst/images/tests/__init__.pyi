# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
# Public names and the modules that define them; read by type checkers and by lazy_loader.

from ._conformance import (
    ContainerConformance as ContainerConformance,
)
from ._projections import (
    assert_projections_equal as assert_projections_equal,
    assert_sky_projections_equal as assert_sky_projections_equal,
    make_random_projection as make_random_projection,
    make_random_sky_projection as make_random_sky_projection,
)
