# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""A component that no file has: signal over noise."""

import numpy as np
from lsst.images import Image
from lsst.images.plugins import Found, hookimpl


@hookimpl
def read_component(reader, name, parameters):
    """Make it of what the file has; boxes are passed on."""
    if name != "signal_to_noise":
        return None
    image = reader.read_own_component("image", parameters)
    variance = reader.read_own_component("variance", parameters)
    return Found(Image(image.array / np.sqrt(variance.array), bbox=image.bbox, projection=image.projection))
