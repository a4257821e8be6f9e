# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""A description, shown by ``lsst-images describe --read``."""

import numpy as np
from lsst.images import Image
from lsst.images.plugins import hookimpl


@hookimpl
def describe(obj):
    """Describe an image by its median."""
    return f"Image with median {np.median(obj.array):.1f}" if isinstance(obj, Image) else None
